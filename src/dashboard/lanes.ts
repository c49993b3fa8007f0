import type { LaneChange } from './protocol.js'

type Shown = Omit<LaneChange, 'lane'>

/** Of each lane so much of the past is kept, for pages that are opened later. */
const LANE_LENGTH = 300
/** And so much of all of them together: of each its share. */
const LANES_LENGTH = 200_000

/** What paths, or nodes, have shown one after the other. There may be very many: each takes no more than it must. */
export class Lanes {
  readonly #lanes = new Map<string, readonly Shown[]>()

  of(key: string): readonly Shown[] {
    return this.#lanes.get(key) ?? []
  }

  /** Returns whether that is news. */
  show(key: string, change: Shown): boolean {
    const changes = this.of(key)
    const last = changes.at(-1)
    if (last?.state === change.state && last.token === change.token) return false
    const share = Math.ceil(LANES_LENGTH / Math.max(1, this.#lanes.size))
    const most = Math.min(LANE_LENGTH, Math.max(2, share))
    // Arrays that are added to, or spread, have room for more.
    this.#lanes.set(key, changes.slice(1 - most).concat([change]))
    return true
  }

  forget(key: string): void {
    this.#lanes.delete(key)
  }
}
