import type { Json } from '../../machines/election.js'
import type { Board } from './board.js'
import { type Inspected, inspectedFrom, LATEST_MS, type Offer, offerFrom } from './inspected.js'
import type { Action, NodeNow } from './protocol.js'
import { shortened } from './shortened.js'

/** So many nodes of one process can be acted on. */
const MOST_OFFERS = 1_000

/** Is told what the process offers to do to one of its nodes, and the node's key; tells what of it is taken up. */
export type Offered = (offer: Offer, key: string) => readonly Action[]

/**
 * The key of the node that the process `source` knows as `sessionId`. A process may call its nodes as it
 * likes, and as another calls its own: that makes them no nodes of the other, nor a path's lane.
 */
export function keyOf(source: string, sessionId: string): string {
  return `${source}:${sessionId}`
}

/** One process that sends its inspection events: makes of them what the board shows of its nodes. */
export class InspectedProcess {
  readonly #board: Board
  readonly #source: string
  readonly #offered: Offered
  /** What can be done to each node, by its key. */
  readonly #actions = new Map<string, readonly Action[]>()
  /** How much later a message comes than its process says, at least: the difference of the two clocks. */
  #offsetMs = Number.POSITIVE_INFINITY

  /**
   * `source` is this process's alone. `offered` is asked which of the actions that it offers for a node
   * are taken up: none, if left out.
   */
  constructor(board: Board, source: string, offered: Offered = () => []) {
    this.#board = board
    this.#source = source
    this.#offered = offered
  }

  /** Takes one message. What is none, or is none of a node’s, is passed over. */
  take(given: unknown): void {
    const offer = offerFrom(given)
    if (offer !== null) this.#take(offer)
    const inspected = inspectedFrom(given)
    if (inspected === null) return
    const nowMs = Date.now()
    this.#offsetMs = Math.min(this.#offsetMs, nowMs - inspected.createdAtMs)
    // Whatever it says, it is a time that can be shown.
    this.#learn(inspected, Math.max(0, Math.min(nowMs, inspected.createdAtMs + this.#offsetMs)))
  }

  /** The node has disappeared, and tells nothing any more; these are left to be done. */
  killed(sessionId: string, actions: readonly Action[]): void {
    const key = keyOf(this.#source, sessionId)
    const node = this.#board.node(key)
    if (node === undefined) return
    const sinceMs = Date.now()
    const now = { ...node, state: 'killed', sinceMs, token: null, validUntilMs: null, actions }
    this.#board.setNode(now, sinceMs)
  }

  #take(offer: Offer): void {
    const key = keyOf(this.#source, offer.sessionId)
    if (this.#actions.size >= MOST_OFFERS && !this.#actions.has(key)) return
    this.#actions.set(key, this.#offered(offer, key))
    const node = this.#board.node(key)
    if (node === undefined) return
    const now = { ...node, actions: this.#actions.get(key) ?? [] }
    this.#board.setNode(now, Date.now())
  }

  #learn(inspected: Inspected, atMs: number): void {
    const { sessionId, event, snapshot } = inspected
    const key = keyOf(this.#source, sessionId)
    const before = this.#board.node(key)
    let now = before ?? null
    if (snapshot !== null) {
      const { path, id, instance, value, state, token } = snapshot
      const isNewState = before?.state !== state
      now = {
        key,
        source: this.#source,
        path,
        id,
        instance,
        value,
        state,
        sinceMs: isNewState ? atMs : (before?.sinceMs ?? atMs),
        step:
          event !== null && before !== undefined && isNewState
            ? { event: event.type, from: before.state, to: state }
            : (before?.step ?? null),
        latest: event?.type ?? before?.latest ?? null,
        token,
        validUntilMs: before?.validUntilMs ?? null,
        actions: this.#actions.get(key) ?? [],
      }
    }
    if (now === null) return
    // Nobody else has its session id, unless somebody says so: then what has gone is seen no longer.
    if (before === undefined) this.#board.forgetBefore((source) => keyOf(source, sessionId))
    if (inspected.type === 'event' && event !== null) {
      if (event.validityMs !== null)
        now = { ...now, validUntilMs: Math.min(atMs + event.validityMs, LATEST_MS) }
      if (event.type === 'expired') now = { ...now, validUntilMs: null }
      if (isWorthTelling(event.type)) {
        const { path, id } = now
        this.#board.log({ atMs, kind: event.type, path, node: id, details: event.details })
      }
    } else if (before !== undefined) this.#logSelection(before, now, atMs)
    this.#board.setNode(now, atMs)
  }

  #logSelection(before: NodeNow, now: NodeNow, atMs: number): void {
    const [led, leads] = [before, now].map(({ state }) => state.startsWith('leader'))
    if (led === leads) return
    const { path, id, value, token } = now
    const kind = leads ? 'select' : 'deselect'
    const details = leads ? `value ${text(value)}, token ${token}` : (now.step?.event ?? '')
    this.#board.log({ atMs, kind, path, node: id, details })
  }
}

function text(value: Json): string {
  return shortened(JSON.stringify(value))
}

/** XState’s own events tell nothing of the election. */
function isWorthTelling(type: string): boolean {
  return !type.startsWith('xstate.')
}
