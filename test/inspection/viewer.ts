import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect'
import { expect } from 'vitest'
import { patiently } from '../patience.js'

/** What a viewer knows of one actor. */
export interface Seen {
  readonly sessionId: string
  readonly name: string
  readonly definition: Record<string, unknown>
  readonly parentId: string | undefined
  /** The states it was in, one after the other, as far as they differ. */
  readonly states: string[]
  readonly events: { readonly type: string; readonly [key: string]: unknown }[]
}

/** A viewer as Stately's: it gets what inspectors send, from the relay, by the real receiver. */
export class Viewer {
  readonly actors = new Map<string, Seen>()
  /** All that it was sent, as text. */
  text = ''

  constructor(url: string) {
    createWebSocketReceiver({ server: url }).subscribe((event) => this.#take(event))
  }

  /** The machine actors, by name. */
  nodes(): Seen[] {
    return [...this.actors.values()].filter(({ parentId }) => parentId === undefined)
  }

  /** The node of that name, once there is one in that state. */
  async nodeIn(name: string, state: string): Promise<Seen> {
    return await patiently(() => {
      const node = this.nodes().find((one) => one.name === name)
      expect(node?.states.at(-1)).toBe(state)
      if (node === undefined) throw new Error('never')
      return node
    })
  }

  /** Resolves once the node of that name has got an event of that type. */
  async eventAt(name: string, type: string): Promise<void> {
    await patiently(() => {
      const node = this.nodes().find((one) => one.name === name)
      expect(node?.events.map((event) => event.type)).toContain(type)
    })
  }

  childrenOf({ sessionId }: Seen): string[] {
    return [...this.actors.values()]
      .filter(({ parentId }) => parentId === sessionId)
      .map(({ name }) => name)
  }

  #take(event: StatelyInspectionEvent): void {
    this.text += JSON.stringify(event)
    if (event.type === '@xstate.actor') {
      const { sessionId, name, definition = '{}', parentId } = event
      this.actors.set(sessionId, {
        sessionId,
        name,
        definition: JSON.parse(definition),
        parentId,
        states: [],
        events: [],
      })
    }
    const seen = this.actors.get(event.sessionId)
    if (event.type === '@xstate.event') seen?.events.push(event.event)
    if (event.type === '@xstate.snapshot' || event.type === '@xstate.actor') {
      const value: unknown = Reflect.get(event.snapshot, 'value')
      const state = typeof value === 'string' ? value : pathOf(value)
      if (state !== '' && seen?.states.at(-1) !== state) seen?.states.push(state)
    }
  }
}

/** `{ campaigning: 'claiming' }` as `campaigning.claiming`. */
function pathOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([state, child]) => `${state}.${child}`)
    .join()
}
