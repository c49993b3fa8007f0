import type { LockedNode, locked } from '../../src/index.js'
import { now } from '../now.js'
import { type Candidate, type Contender, TTL } from './contender.js'

/** This package, or another version of it, used as its README says. */
export class LockedContender implements Contender {
  readonly #locker
  #made = 0

  constructor(endpoint: string, version: typeof locked) {
    this.#locker = version(endpoint)
  }

  async warm(): Promise<void> {
    await this.#node('/bench-warm').start()
  }

  async join(paths: readonly string[]): Promise<readonly Candidate[]> {
    const nodes = paths.map((path) => this.#node(path))
    const candidates = nodes.map((node) => new LockedCandidate(node))
    await Promise.all(nodes.map((node) => node.start()))
    return candidates
  }

  close(): Promise<void> {
    return this.#locker.close()
  }

  #node(path: string) {
    this.#made += 1
    return this.#locker(path, { id: `node-${this.#made}`, value: 10, ttl: TTL })
  }
}

class LockedCandidate implements Candidate {
  readonly #node: LockedNode
  #electedAt: Promise<number> | null = null

  constructor(node: LockedNode) {
    this.#node = node
  }

  electedAt(): Promise<number> {
    this.#electedAt ??= this.#node.isLeader
      ? Promise.resolve(now())
      : new Promise((resolve) => this.#node.once('select', () => resolve(now())))
    return this.#electedAt
  }

  leave(): Promise<void> {
    return this.#node.stop()
  }
}
