import { type LaneChange, laneOf } from '../protocol.js'
import type { Model } from './model.js'

/** A row of the time view: a path as the store showed it, or one of its nodes. */
export interface Lane {
  readonly key: string
  readonly path: string
  readonly label: string
  readonly isPath: boolean
}

/** What a lane showed, from one moment to another. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
  readonly state: string
  readonly id?: string | null
  readonly token?: number
}

/** Each path, and below it its nodes. */
export function lanesOf(model: Model): Lane[] {
  const nodes = [...model.nodes.values()].sort((a, b) => a.id.localeCompare(b.id))
  const byPath = new Map<string, Lane[]>()
  for (const { key, path, id } of nodes) {
    const lanes = byPath.get(path) ?? []
    byPath.set(path, lanes)
    lanes.push({ key, path, label: id, isPath: false })
  }
  const others = [...byPath.keys()].filter((path) => !model.paths.has(path))
  const known = model.order.filter((path) => model.paths.has(path))
  const paths = others.length === 0 ? known : known.concat(others).sort()
  return paths.flatMap((path) => {
    const lane = { key: laneOf(path), path, label: path, isPath: true }
    return [lane, ...(byPath.get(path) ?? [])]
  })
}

/** When what is known begins; now, where nothing is. */
export function beganAtMs(model: Model): number {
  let beganAt = model.nowMs()
  for (const [first] of model.lanes.values()) {
    if (first !== undefined) beganAt = Math.min(beganAt, first.atMs)
  }
  return beganAt
}

/** What a lane showed between two moments. Nothing is known of the time after `nowMs`. */
export function spansOf(
  model: Model,
  { key }: Lane,
  fromMs: number,
  toMs: number,
  nowMs: number,
): Span[] {
  const changes = model.lanes.get(key) ?? []
  const spans: Span[] = []
  changes.forEach((change, index) => {
    const next = changes[index + 1]
    for (const span of spansBetween(change, next?.atMs ?? nowMs, validUntil(model, key, next))) {
      const from = Math.max(fromMs, span.fromMs)
      const to = Math.min(toMs, span.toMs)
      if (to > from) spans.push({ ...span, fromMs: from, toMs: to })
    }
  })
  return spans
}

/** Whoever leads, does so for as long as its session is valid: after that nobody can say. */
function validUntil(model: Model, key: string, next: LaneChange | undefined): number | null {
  return next === undefined ? (model.nodes.get(key)?.validUntilMs ?? null) : null
}

function spansBetween(
  { atMs, state, id, token }: LaneChange,
  endMs: number,
  validUntilMs: number | null,
): Span[] {
  const common = { state, ...(id !== undefined && { id }), ...(token !== undefined && { token }) }
  if (state !== 'leader' || validUntilMs === null || validUntilMs >= endMs) {
    return [{ fromMs: atMs, toMs: endMs, ...common }]
  }
  return [
    { fromMs: atMs, toMs: validUntilMs, ...common },
    { fromMs: validUntilMs, toMs: endMs, state: 'unknown' },
  ]
}

/** When a path changed hands and was not vacant in between: where one reign ends the next begins. */
export function seamsOf(spans: readonly Span[]): readonly number[] {
  return spans
    .filter(({ state }, index) => state === 'held' && spans[index - 1]?.state === 'held')
    .map(({ fromMs }) => fromMs)
}

/** How often a path changed hands between two moments, and for how long it was vacant. */
export function summaryOf(spans: readonly Span[]): { changes: number; vacantMs: number } {
  const tokens = spans.filter(({ state }) => state === 'held').map(({ token }) => token)
  const changes = tokens.filter((token, index) => index > 0 && token !== tokens[index - 1]).length
  const vacantMs = spans
    .filter(({ state }) => state === 'vacant')
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
  return { changes, vacantMs }
}
