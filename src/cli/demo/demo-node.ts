import type { InspectionEvent } from 'xstate'
import { type Action, isAction } from '../../dashboard/protocol.js'
import {
  type Call,
  type LockedNode,
  locked,
  type NodeHolder,
  type NodeState,
  type Store,
} from '../../index.js'
import { senderFromEnvironment } from '../../inspection/sender.js'
import { uniqueSessionId } from '../../onlookers/unique-sessions.js'
import { DemoLink } from './demo-link.js'
import type { DemoEvent } from './event.js'
import { JumpingClock } from './jumping-clock.js'

/** What became of a node’s connection to the store; `cut` is that of a node that was killed. */
export type Connection = 'up' | 'frozen' | 'cut'

/** What the demo shows of a node. */
export interface NodeView {
  readonly id: string
  readonly state: NodeState | 'killed'
  readonly isLeader: boolean
  readonly holder: NodeHolder | null
  readonly validityMs: number
  readonly connection: Connection
}

export interface DemoNodeSettings {
  readonly id: string
  readonly path: string
  readonly ttl: number
  openStore(): Store
  /** Receives the inspection events of the node as long as it is not killed. */
  inspect(event: InspectionEvent): void
  tell(kind: DemoEvent['kind'], details: DemoEvent['details']): void
  /** The store has answered. */
  answered(): void
}

/** What another process may do to it. */
const REMOTE_ACTIONS: readonly Action[] = ['start', 'stop', 'freeze']

interface Life {
  readonly node: LockedNode
  readonly link: DemoLink
  readonly clock: JumpingClock
}

/** One node of the demo with a locker and a connection of its own. It can be killed, and begin a new life. */
export class DemoNode {
  readonly #settings: DemoNodeSettings
  #life: Life
  /** The connections of its former lives. */
  readonly #cut: DemoLink[] = []

  constructor(settings: DemoNodeSettings) {
    this.#settings = settings
    this.#life = this.#begin()
  }

  get id(): string {
    return this.#settings.id
  }

  get connection(): Connection {
    const { state } = this.#life.link
    return state === 'dead' ? 'cut' : state
  }

  view(): NodeView {
    const { id } = this.#settings
    const { connection } = this
    if (connection === 'cut') {
      return { id, state: 'killed', isLeader: false, holder: null, validityMs: 0, connection }
    }
    const { state, isLeader, holder, validityMs } = this.#life.node
    return { id, state, isLeader, holder, validityMs, connection }
  }

  act(action: Action): void {
    const acts: Record<Action, () => void> = {
      start: () => this.start(),
      stop: () => this.stop(),
      freeze: () => this.freezeOrThaw(),
      kill: () => this.kill(),
      jump: () => this.jump(),
    }
    acts[action]()
  }

  start(): void {
    if (this.connection === 'cut') this.#life = this.#begin()
    const { node } = this.#life
    if (node.state !== 'idle' && node.state !== 'stopped') return
    node.propose(`${this.#settings.id}@${new Date().toTimeString().slice(0, 8)}`)
    this.#settings.tell('start', {})
    void node.start()
  }

  stop(): void {
    const { node } = this.#life
    if (this.connection === 'cut' || node.state === 'idle' || node.state === 'stopped') return
    this.#settings.tell('stop', {})
    void node.stop()
  }

  /** Hands over to the candidate that came last, and goes on as a candidate. */
  transfer(): void {
    if (this.connection === 'cut') return
    const { node } = this.#life
    this.#settings.tell('transfer', {})
    node.transfer().catch(({ message }: Error) => this.#settings.tell('error', { error: message }))
  }

  freezeOrThaw(): void {
    if (this.connection === 'cut') return
    const { link } = this.#life
    const isFrozen = this.connection === 'frozen'
    this.#settings.tell(isFrozen ? 'thaw' : 'freeze', {})
    if (isFrozen) link.heal()
    else link.freeze()
  }

  /** Sets its wall clock forward by its ttl: what it held by that clock is over. */
  jump(): void {
    if (this.connection === 'cut') return
    const { clock } = this.#life
    this.#settings.tell('jump', { seconds: this.#settings.ttl })
    clock.jump(this.#settings.ttl * 1_000)
  }

  /** The node disappears: it releases nothing, and tells nothing any more. */
  kill(): void {
    if (this.connection === 'cut') return
    const { node, link } = this.#life
    this.#settings.tell('kill', {})
    node.removeAllListeners()
    node.on('error', () => undefined)
    link.kill()
    this.#cut.push(link)
    // Its timers end; what it sends is lost.
    void node.stop()
  }

  /** Stops the node, and releases what its former lives have left. */
  async close(call: Call): Promise<void> {
    const { node, link } = this.#life
    link.heal()
    await node.stop()
    await Promise.all([link, ...this.#cut].map((each) => each.sweep(call)))
  }

  #begin(): Life {
    const { id, path, ttl, openStore, tell, answered } = this.#settings
    const link = new DemoLink(openStore(), answered)
    const clock = new JumpingClock()
    const inspect = (event: InspectionEvent) => {
      if (link.state !== 'dead') this.#settings.inspect(event)
    }
    const node = locked(link, { clock, inspect })(path, { id, value: id, ttl })
    node.on('select', (value) => tell('select', { value, token: `${node.holder?.token}` }))
    node.on('deselect', (reason) => tell('deselect', { reason }))
    node.on('change', (value, holder) => tell('change', { value, holder }))
    node.on('vacant', () => tell('vacant', {}))
    node.on('unreachable', ({ message }) => tell('unreachable', { error: message }))
    node.on('error', ({ message }) => tell('error', { error: message }))
    // A dashboard that was named by LOCKED_INSPECT may act on it, if it was told to allow that.
    senderFromEnvironment()?.offer(
      uniqueSessionId(node.actor.sessionId),
      REMOTE_ACTIONS,
      (action) => {
        const isCurrent = this.#life.node === node
        if (isCurrent && isAction(action)) this.act(action)
      },
    )
    return { node, link, clock }
  }
}
