import type { InspectionEvent } from 'xstate'
import { type LockedNode, locked } from '../../src/index.js'
import { type Fate, Link, type Message } from '../../src/stores/link.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { TracedStore } from './traced-store.js'

/** In seconds. */
const TTL = 10
const PATH = '/path'
/** How long each message takes, in milliseconds. */
const LATENCY_MS = 1

/** A node in a process of its own. */
export interface Player {
  readonly node: LockedNode
  readonly link: Link
  /** The next message of this kind is lost. */
  lose(call: Message['call'], which: 'request' | 'answer'): void
  /** The next request of this kind takes so long, in milliseconds. */
  delay(call: Message['call'], ms: number): void
  /** Starts a node of the same process on another path: both share a session. */
  startBeside(): void
}

/** Where a scenario is played: real nodes, on a virtual clock, with all that happens written down. */
export class Stage {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(this.clock)
  readonly #lines: string[] = []
  readonly #players: Player[] = []

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  /** A node that is not started. `name` tells it from others that have the same id. */
  node(name: string, id = name): Player {
    const write = (line: string) => this.#write(`  ${name} ${line}`)
    const lost: { readonly call: Message['call']; readonly isAnswer: boolean }[] = []
    const late = new Map<Message['call'], number>()
    const fate = ({ call, isAnswer }: Message): Fate => {
      const lateMs = isAnswer ? undefined : late.get(call)
      if (lateMs !== undefined) {
        late.delete(call)
        write(`has its ${call} take ${lateMs} ms`)
        return lateMs
      }
      const at = lost.findIndex((one) => one.call === call && one.isAnswer === isAnswer)
      if (at === -1) return LATENCY_MS
      lost.splice(at, 1)
      write(`${isAnswer ? 'never hears the answer to its' : 'loses its'} ${call}`)
      return 'lost'
    }
    const link = new Link(this.store, this.clock, fate)
    const locker = locked(new TracedStore(link, write), { clock: this.clock })
    const inspect = transitions((event, from, to) => {
      const becomes = from === to ? `in ${to}` : `${from} => ${to}`
      write(`[${event}] ${becomes}`)
    })
    const node = locker(PATH, { id, value: `value of ${name}`, ttl: TTL, inspect })
    for (const event of EVENTS) {
      node.on(event, (...told: unknown[]) => write(`tells ${[event, ...told.map(said)].join(' ')}`))
    }
    const player = {
      node,
      link,
      lose: (call: Message['call'], which: 'request' | 'answer') => {
        lost.push({ call, isAnswer: which === 'answer' })
      },
      delay: (call: Message['call'], ms: number) => {
        late.set(call, ms)
      },
      startBeside: () => {
        void locker('/other', { id: `beside ${name}`, value: null, ttl: TTL }).start()
      },
    }
    this.#players.push(player)
    return player
  }

  /** Says what is done next, does it, and lets so much time pass. */
  async act(what: string, act: () => unknown, ms = 20): Promise<void> {
    if (this.#lines.length > 0) this.#lines.push('')
    this.#write(what)
    const done = act()
    if (done instanceof Promise) done.catch(() => undefined)
    await this.clock.advance(ms)
  }

  async pass(ms: number): Promise<void> {
    await this.act(`${ms} ms pass`, () => undefined, ms)
  }

  put(text: string): void {
    this.store.put(PATH, text)
  }

  delete(): void {
    this.store.delete(PATH)
  }

  end(): void {
    for (const { link, node } of this.#players) {
      link.kill()
      node.actor.stop()
    }
  }

  #write(line: string): void {
    const at = `${Math.round(this.clock.now())}`.padStart(6)
    this.#lines.push(`${at} ${line}`)
  }
}

const EVENTS = [
  'select',
  'deselect',
  'change',
  'vacant',
  'refresh',
  'unreachable',
  'error',
] as const

function said(told: unknown): string {
  return told instanceof Error ? told.name : JSON.stringify(told)
}

/** Tells each event of a node's statechart, with the state before it and the one after. */
function transitions(tell: (event: string, from: string, to: string) => void) {
  let before = 'idle'
  return (inspected: InspectionEvent) => {
    // Told before anything is done about it.
    if (inspected.type !== '@xstate.microstep') return
    const { snapshot, event } = inspected
    if (!('value' in snapshot) || /^xstate\.(init|stop)$/.test(event.type)) return
    const after = leafOf(snapshot.value)
    tell(/^xstate\.after\.(\w+)/.exec(event.type)?.[1] ?? event.type, before, after)
    before = after
  }
}

function leafOf(value: unknown): string {
  if (typeof value === 'string') return value
  const [[state, child] = []] = Object.entries(Object(value))
  return `${state}.${leafOf(child)}`
}
