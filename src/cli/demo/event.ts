import type { Json } from '../../index.js'
import { shown } from '../../shown.js'

type DemoEventKind =
  | 'select'
  | 'deselect'
  | 'change'
  | 'vacant'
  | 'unreachable'
  | 'reachable'
  | 'error'
  | 'start'
  | 'stop'
  | 'transfer'
  | 'freeze'
  | 'thaw'
  | 'kill'
  | 'jump'

/** Something that happened to a node, or was done to it. */
export interface DemoEvent {
  /** Since the demo began, in milliseconds. */
  readonly atMs: number
  readonly id: string
  readonly kind: DemoEventKind
  readonly details: Readonly<Record<string, Json>>
}

/** An event as one line, such as `12.3s node-a select value=… token=…`. */
export function formatEvent({ atMs, id, kind, details }: DemoEvent): string {
  const fields = Object.entries(details).map(([name, value]) => `${name}=${formatValue(value)}`)
  return [`${(atMs / 1_000).toFixed(1)}s`, id, kind, ...fields].join(' ')
}

/** A value as text that a terminal shows and never obeys: it may come from anyone's etcd key. */
export function formatValue(value: Json): string {
  const isWord = typeof value === 'string' && /^[\w.,:;@/+-]+$/.test(value)
  return isWord ? value : shown(JSON.stringify(value))
}
