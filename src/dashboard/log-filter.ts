import type { LogEntry, LogFilter } from './protocol.js'

/** Nothing is left out. */
export const NO_FILTER: LogFilter = { node: '', path: '', kind: '' }

/** Every kind but the renewals, of which there are more than of all others together where a ttl is short. */
export const ALL_BUT_RENEWED = '!renewed'

export function isRenewal({ kind }: LogEntry): boolean {
  return kind === 'renewed'
}

export function isNoFilter({ node, path, kind }: LogFilter): boolean {
  return node === '' && path === '' && kind === ''
}

/** Whose an event is that was seen at the store, be that etcd or one in memory. */
export const STORE = 'store'

/** Whether an event is one of those. */
export function isSought(entry: LogEntry, { node, path, kind }: LogFilter): boolean {
  return (entry.node ?? STORE).includes(node) && entry.path.includes(path) && isOfKind(entry, kind)
}

function isOfKind(entry: LogEntry, kind: string): boolean {
  if (kind === ALL_BUT_RENEWED) return !isRenewal(entry)
  return kind === '' || entry.kind === kind
}
