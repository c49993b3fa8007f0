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

/** What happened below a directory. */
export interface V2TreeEvent extends V2Event {
  readonly path: string
  /** It happened to a directory; all that was in it has gone, unless it was only made. */
  readonly isDirectory: boolean
}

const DELETIONS = ['delete', 'compareAndDelete', 'expire']

export function eventOf(path: string, body: unknown): V2Event {
  const node = nodeOf(path, body)
  const action = memberOf(body, 'action')
  const isVacant = typeof action === 'string' && DELETIONS.includes(action)
  return { node: isVacant ? null : node, index: node.modifiedIndex }
}

/** An event of a wait for all that is below a directory, which tells where it was. */
export function treeEventOf(directory: string, body: unknown): V2TreeEvent {
  const event = eventOf(directory, body)
  const node = memberOf(body, 'node')
  const isDirectory = memberOf(node, 'dir') === true
  return { ...event, path: String(memberOf(node, 'key')), isDirectory }
}

/** What stands in a directory and below it, by path; nothing when there is no such directory. */
export function leavesOf(body: unknown): ReadonlyMap<string, V2Node> {
  const leaves = new Map<string, V2Node>()
  const rest: unknown[] = [memberOf(body, 'node')]
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    const nodes = memberOf(node, 'nodes')
    if (Array.isArray(nodes)) rest.push(...nodes)
    if (memberOf(node, 'dir') === true) continue
    const key = memberOf(node, 'key')
    if (typeof key === 'string') leaves.set(key, nodeOf(key, { node }))
  }
  return leaves
}

function memberOf(given: unknown, name: string): unknown {
  return typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
}

/** A directory, which v2 has and we never make, is a node without text. */
export function nodeOf(path: string, body: unknown): V2Node {
  const node = memberOf(body, 'node')
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
