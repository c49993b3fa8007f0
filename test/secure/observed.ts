import { onTestFinished } from 'vitest'
import { type Hosts, type LockedNode, type LockerOptions, locked } from '../../src/index.js'

export interface Observed {
  readonly node: LockedNode
  readonly errors: Error[]
  /** All but that an answer came late: a busy machine gives it late, whatever the login or the certificate. */
  readonly unreachable: Error[]
  /** All that XState’s inspector was told. */
  readonly inspected: unknown[]
}

interface Settings {
  readonly id?: string
  readonly path?: string
  readonly ttl?: number
}

/** A node of its own, of which everything is kept that it tells. */
export function observe(
  hosts: Hosts,
  options: LockerOptions,
  { id = 'node', path = '/app/leader', ttl = 5 }: Settings = {},
): Observed {
  const inspected: unknown[] = []
  const locker = locked(hosts, { ...options, inspect: (event) => inspected.push(event) })
  const node = locker(path, { id, value: id, ttl })
  const errors: Error[] = []
  const unreachable: Error[] = []
  node.on('error', (error) => errors.push(error))
  node.on('unreachable', (error) => {
    if (!/not answered in time|DEADLINE_EXCEEDED/.test(error.message)) unreachable.push(error)
  })
  onTestFinished(() => node.stop())
  return { node, errors, unreachable, inspected }
}
