/** What `scripts/statechart-layout.mjs` has made of the machine when the package was built. */
export interface Layout {
  readonly width: number
  readonly height: number
  readonly states: readonly PlacedState[]
  readonly transitions: readonly PlacedTransition[]
}

export interface PlacedState {
  /** Such as `leader.holding`. */
  readonly path: string
  readonly name: string
  readonly description: string
  readonly services: readonly string[]
  /** What happens in it without leaving it. */
  readonly inner: readonly { readonly event: string; readonly description: string }[]
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Where its lines begin. */
  readonly textX: number
  readonly isLeaf: boolean
}

/** All transitions from one state to another, as one arrow. */
export interface PlacedTransition {
  readonly source: string
  readonly target: string
  readonly causes: readonly Cause[]
  readonly points: readonly Point[]
  /** The room that its causes have, in the middle of the arrow. */
  readonly label: Point & { readonly width: number; readonly height: number }
}

export interface Cause {
  readonly event: string
  /** The event, and the guard if there is one. */
  readonly lines: readonly string[]
  readonly description: string
}

interface Point {
  readonly x: number
  readonly y: number
}

let loading: Promise<Layout> | null = null

export function loadLayout(): Promise<Layout> {
  loading ??= fetch('statechart.json').then((response) => response.json())
  return loading
}
