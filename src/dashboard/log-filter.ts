import type { LogEntry, LogFilter } from './protocol.js'

/** Nothing is left out. */
export const NO_FILTER: LogFilter = { node: '', path: '', kind: '' }

export function isNoFilter({ node, path, kind }: LogFilter): boolean {
  return node === '' && path === '' && kind === ''
}

/** Whether an event is one of those. What was seen at the store is of the node `etcd`. */
export function isSought(entry: LogEntry, { node, path, kind }: LogFilter): boolean {
  return (
    (entry.node ?? 'etcd').includes(node) &&
    entry.path.includes(path) &&
    (kind === '' || entry.kind === kind)
  )
}
