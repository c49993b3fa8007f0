import { UnreachableError } from '../../errors.js'

/** What stands at a path, as the v2 API has it. */
export interface V2Node {
  readonly text: string
  readonly createdIndex: number
  readonly modifiedIndex: number
  /** In how many seconds it expires; `null` when it does not. */
  readonly ttl: number | null
}

/** What happened at a path; `node` is `null` when it became vacant. */
export interface V2Event {
  readonly node: V2Node | null
  readonly index: number
}

const DELETIONS = ['delete', 'compareAndDelete', 'expire']

export function eventOf(path: string, body: unknown): V2Event {
  const node = nodeOf(path, body)
  const action: unknown = typeof body === 'object' && body !== null && Reflect.get(body, 'action')
  const isVacant = typeof action === 'string' && DELETIONS.includes(action)
  return { node: isVacant ? null : node, index: node.modifiedIndex }
}

/** A directory, which v2 has and we never make, is a node without text. */
export function nodeOf(path: string, body: unknown): V2Node {
  const node: unknown = typeof body === 'object' && body !== null && Reflect.get(body, 'node')
  if (typeof node === 'object' && node !== null) {
    const { value = '', createdIndex, modifiedIndex, ttl }: Record<string, unknown> = { ...node }
    if (typeof createdIndex === 'number' && typeof modifiedIndex === 'number') {
      const expiresIn = typeof ttl === 'number' ? ttl : null
      return { text: String(value), createdIndex, modifiedIndex, ttl: expiresIn }
    }
  }
  // So ends a wait when its server is shut down.
  throw new UnreachableError(`${path}: etcd’s answer ended before its time`)
}
