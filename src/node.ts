import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { ComparatorBuilder } from 'etcd3'
import { createActor, type SnapshotFrom } from 'xstate'
import type {
  DeselectReason,
  ElectionActor,
  ElectionEmitted,
  ElectionMachine,
  Json,
} from '../machines/election.js'
import { assertJson, describe } from './arguments.js'
import { debug } from './debug.js'
import {
  ActorError,
  NoCandidateError,
  NotLeaderError,
  StoppedError,
  textOf,
  UnsupportedError,
} from './errors.js'
import { LeadWork } from './lead-work.js'
import type {
  Done,
  Inspect,
  NodeEvents,
  NodeHolder,
  NodeSettings,
  NodeState,
  Work,
} from './node-types.js'
import { withUniqueSessions } from './onlookers/unique-sessions.js'
import { Proposals } from './proposals.js'
import { holderFrom } from './record.js'
import type { Competitor } from './services/competitors.js'
import { Participant } from './services/participant.js'
import { reignOf } from './services/reign.js'
import type { Services } from './services/services.js'
import { type Principal, Succession } from './services/succession.js'
import type { Telemetry } from './telemetry.js'
import { tellAll } from './tell-all.js'

/** A start that is not done yet. */
class Starting {
  readonly promise: Promise<void>
  readonly hasCallback: boolean
  resolve: () => void = () => undefined
  reject: (error: Error) => void = () => undefined

  constructor(hasCallback: boolean) {
    this.hasCallback = hasCallback
    this.promise = new Promise<void>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever is not interested need not be: the seed’s `node.start()` stands alone.
    this.promise.catch(() => undefined)
  }
}

/** Who looks on at a node. */
export interface Onlookers {
  readonly inspects: readonly Inspect[]
  readonly telemetry: Telemetry | null
}

/** One competitor for one path. Made by a locker. */
export class LockedNode extends EventEmitter<NodeEvents> {
  static readonly #principal: Principal<LockedNode> = {
    isApps: false,
    participant: (node) => node.#participant,
    leave: (node) => node.stop(),
    create: (node, snapshot) => node.#create(snapshot.context, snapshot),
    follows: (node) => node.#onlookers.telemetry?.follow(node),
    hears: (node, emitted) => node.#tell(emitted),
    ended(node, _actor, thrown) {
      if (thrown) node.#ended(thrown.cause)
    },
  }

  /** Its logic. */
  readonly machine: ElectionMachine
  /** The path that is competed for. */
  readonly path: string
  readonly #services: Services
  readonly #participant: Participant
  readonly #onlookers: Onlookers
  readonly #succession: Succession<LockedNode>
  readonly #proposals = new Proposals()
  #work: LeadWork | null = null
  /** Whether `select` was told, and `deselect` not yet. */
  #isSelected = false
  #starting: Starting | null = null

  constructor(services: Services, { path, id, value, ttl }: NodeSettings, onlookers: Onlookers) {
    super()
    this.path = path
    this.#services = services
    this.#participant = new Participant({ path, id, ttl, instance: randomUUID() })
    this.#onlookers = onlookers
    this.machine = services.machine
    const first = this.#create({ value, isSole: true })
    this.#succession = new Succession(services, LockedNode.#principal, this, first)
    this.#succession.begin()
    this.actor.start()
  }

  /**
   * The statechart as it runs, for inspectors and tests. When it has ended in an error, another takes its
   * place, which leaves the election and can be started again.
   */
  get actor(): ElectionActor {
    return this.#succession.actor
  }

  /** The state of the election as this node sees it. */
  get state(): NodeState {
    const { status, value } = this.actor.getSnapshot()
    if (status !== 'active') return 'stopped'
    const [state] = typeof value === 'string' ? [value] : Object.keys(value)
    return state as NodeState
  }

  /** Whether this node is the leader right now; compared with its session's validity at each read. */
  get isLeader(): boolean {
    const snapshot = this.actor.getSnapshot()
    // An actor that has ended is in the state that it was in then, for ever.
    if (snapshot.status !== 'active') return false
    return snapshot.matches('leader') && this.#participant.session?.isValid === true
  }

  /** What stands at the path, as far as this node knows; `null` when vacant or not known. */
  get holder(): NodeHolder | null {
    const { status, context } = this.actor.getSnapshot()
    const { holder } = context
    if (status !== 'active') return null
    return holder && { id: holder.id, value: holder.value, token: BigInt(holder.token) }
  }

  /** This node's fencing token while it is leader, else `null`. */
  get token(): bigint | null {
    return this.isLeader ? (this.holder?.token ?? null) : null
  }

  /** How much longer this node's session may be relied on, in milliseconds, if it is not renewed. */
  get validityMs(): number {
    const { hasJoined, session } = this.#participant
    return hasJoined ? (session?.validityMs ?? 0) : 0
  }

  /**
   * Joins the election. Resolves once it is known who holds the path.
   *
   * @throws RefusedError (as a rejection) when the store refuses for good.
   * @throws StoppedError (as a rejection) when the node is stopped first.
   */
  start(done?: Done): Promise<void> {
    return settle(this.#start(done !== undefined), done)
  }

  /**
   * Leaves the election. Resolves once the path is released, or once nothing more can be done about
   * it and the lease will run out by itself. The leader's work is waited for first, but never longer
   * than its session is valid.
   */
  stop(done?: Done): Promise<void> {
    return settle(this.#stop(), done)
  }

  /**
   * Asks the store who competes: the holder first, and then those who wait, in the order in which they
   * came. Of a store without hand-over it is the holder alone.
   */
  candidates(done?: Done<readonly Competitor[]>): Promise<readonly Competitor[]> {
    return settle(this.#services.competitors(this.#participant), done)
  }

  /**
   * Hands over, as leader: waits for the work to end, installs the candidate with that id, or the one
   * that entered last, in this node’s place, and goes on as a candidate. Resolves with the new holder.
   *
   * @throws NotLeaderError (as a rejection) when this node is not the leader, or no longer.
   * @throws NoCandidateError (as a rejection) when there is no such candidate: it goes on leading then. The
   *   same when the candidate left just then and this node was elected again.
   * @throws UnsupportedError (as a rejection) when the store has no hand-over.
   * @throws StoppedError (as a rejection) when the node is stopped meanwhile.
   */
  async transfer(id?: string): Promise<NodeHolder> {
    if (id !== undefined && (typeof id !== 'string' || id === '')) {
      throw new TypeError(`transfer: expected the id of a candidate, was given ${describe(id)}`)
    }
    const { path, id: ownId } = this.#participant
    const place = { path, nodeId: ownId }
    if (this.#services.store.candidates === undefined) {
      throw new UnsupportedError(
        'transfer: this store has no hand-over (etcd’s v2 API has none)',
        place,
      )
    }
    this.#assertLeads('transfer')
    const others = (await this.candidates()).filter(({ isHolder }) => !isHolder)
    if (!others.some((other) => id === undefined || other.id === id)) {
      const who = id === undefined ? 'nobody' : `nobody with the id ${JSON.stringify(id)}`
      throw new NoCandidateError(`transfer: ${who} waits for ${path}`, place)
    }
    this.#assertLeads('transfer')
    const { token } = this
    this.actor.send({ type: 'transfer', to: id ?? null })
    await this.#isFollowing()
    const { holder } = this
    if (holder === null || this.isLeader) {
      throw new NoCandidateError(
        `transfer: whoever waited for ${path} has left, and node ${ownId} leads again (before with token ${token})`,
        place,
      )
    }
    return holder
  }

  /** Asks the store for the holder's id; `null` when vacant. */
  id(done?: Done<string | null>): Promise<string | null> {
    return settle(
      this.#ask((holder) => holder.id),
      done,
    )
  }

  /** Asks the store for the holder's value; `null` when vacant. */
  value(done?: Done<Json>): Promise<Json> {
    return settle(
      this.#ask((holder) => holder.value),
      done,
    )
  }

  /**
   * Runs `work` each time this node is elected, and aborts its signal when it no longer is. Work that
   * is still running from an earlier election is waited for first. If it throws or rejects, the node
   * emits `error` with a WorkError and stops, so that another node takes over.
   */
  lead(work: Work): this {
    if (typeof work !== 'function') {
      throw new TypeError(`lead: expected a function, was given ${describe(work)}`)
    }
    this.#work ??= this.#makeWork()
    this.#work.add(work)
    if (this.#isSelected) this.#work.run(work)
    return this
  }

  /**
   * Changes this node's value, to a copy of the one given. As leader it is written to the path, and
   * told by `change`. Resolves once that is done; or, while this node does not lead, once it is
   * remembered for the next time that it does.
   *
   * @throws TypeError or RangeError when it is not JSON, or is nested too deep.
   * @throws TooLargeError (as a rejection) when the store takes no value that large: this node goes on
   *   with the one before. The promise may be ignored.
   */
  propose(value: Json): Promise<void> {
    assertJson(value)
    // A copy: what the caller does to it later must not change what this node says.
    const copy = structuredClone(value)
    // An actor that has ended would not remember it.
    this.#replaceIfStopped()
    this.actor.send({ type: 'propose', value: copy })
    return this.#proposals.follow(this.actor)
  }

  /**
   * An etcd3 transaction builder that commits only while this node still holds the path.
   *
   * @throws NotLeaderError when this node is not the leader.
   * @throws UnsupportedError when the store has no such transactions.
   */
  guard(): ComparatorBuilder {
    const { path, id } = this.#participant
    const { holder } = this.actor.getSnapshot().context
    const place = { path, nodeId: id }
    const { store } = this.#services
    if (store.guard === undefined) {
      throw new UnsupportedError(
        `guard: this store has no transactions to guard (etcd’s v2 API has none); use an etcd v3 store, or compare node.token`,
        place,
      )
    }
    this.#assertLeads('guard')
    const reign = holder && reignOf(holder)
    if (reign === null) throw new NotLeaderError(`guard: node ${id} does not lead ${path}`, place)
    return store.guard(path, reign)
  }

  /** The same as `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #assertLeads(doing: string): void {
    if (this.isLeader) return
    const { path, id } = this.#participant
    throw new NotLeaderError(`${doing}: node ${id} does not lead ${path}`, { path, nodeId: id })
  }

  /** Resolves once it is known who holds the path after a hand-over. */
  #isFollowing(): Promise<void> {
    const { actor } = this
    const { path, id } = this.#participant
    return new Promise((resolve, reject) => {
      const look = (snapshot: SnapshotFrom<ElectionMachine>) => {
        if (snapshot.matches('leader') || snapshot.matches('follower')) {
          subscription.unsubscribe()
          resolve()
        } else if (snapshot.matches({ stopped: 'released' }) && !snapshot.context.restart) {
          subscription.unsubscribe()
          const place = { path, nodeId: id }
          reject(new StoppedError(`transfer: node ${id} was stopped meanwhile`, place))
        }
      }
      const subscription = actor.subscribe({ next: look, error: reject })
      look(actor.getSnapshot())
    })
  }

  #create(
    begin: { readonly value: Json; readonly isSole: boolean },
    snapshot?: SnapshotFrom<ElectionMachine>,
  ): ElectionActor {
    const { path, id, instance, ttl } = this.#participant
    const { inspects } = this.#onlookers
    return createActor(this.machine, {
      id: `${path} ${id}`,
      input: { path, id, instance, ttl, ...begin },
      clock: this.#services.clock,
      ...(snapshot && { snapshot }),
      ...(inspects.length > 0 && { inspect: withUniqueSessions(inspects) }),
    })
  }

  #makeWork(): LeadWork {
    const { path, id } = this.#participant
    return new LeadWork({
      path,
      id,
      leadership: () => {
        const { holder } = this.actor.getSnapshot().context
        return { value: holder?.value ?? null, token: BigInt(holder?.token ?? 0) }
      },
      working: (runs) => {
        this.#participant.work = runs
      },
      failed: (error) =>
        this.actor.send({ type: 'workFailed', error: this.#services.failures.of(error) }),
    })
  }

  #start(hasCallback: boolean): Promise<void> {
    this.#replaceIfStopped()
    const state = this.state
    if (!this.#succession.isStopping && (state === 'leader' || state === 'follower')) {
      return Promise.resolve()
    }
    if (this.#starting !== null) return this.#starting.promise
    const starting = new Starting(hasCallback)
    this.#starting = starting
    this.#join(starting)
    return starting.promise
  }

  #join(starting: Starting): void {
    this.actor.send({ type: 'start' })
    const subscription = this.actor.subscribe({
      next: (snapshot) => {
        if (snapshot.matches('leader') || snapshot.matches('follower')) {
          if (this.#starting === starting) this.#starting = null
          starting.resolve()
        }
      },
      // XState would throw it for want of somebody who listens.
      error: () => undefined,
    })
    const unsubscribe = () => subscription.unsubscribe()
    starting.promise.then(unsubscribe, unsubscribe)
  }

  #stop(): Promise<void> {
    this.#rejectStart()
    this.#replaceIfStopped()
    return this.#succession.stop()
  }

  #rejectStart(): void {
    const { path, id } = this.#participant
    this.#starting?.reject(
      new StoppedError(`node ${id} was stopped before it was known who holds ${path}`, {
        path,
        nodeId: id,
      }),
    )
    this.#starting = null
  }

  /** Whatever was thrown in the actor: it leads no more, and will not release its record by itself. */
  #ended(cause: unknown): void {
    const { path, id } = this.#participant
    const error = new ActorError(
      `node ${id} has left the election for ${path}, since its actor ended in an error: ${textOf(cause)}`,
      { path, nodeId: id, cause },
    )
    tellAll(
      () => this.#replace('failed'),
      () => this.#fail(error),
    )
  }

  /** An app may have stopped the actor itself, by hand. */
  #replaceIfStopped(): void {
    if (this.actor.getSnapshot().status === 'active') return
    this.#rejectStart()
    this.#replace('stopped')
  }

  #replace(reason: DeselectReason): void {
    const wasSelected = this.#isSelected
    this.#abort(reason)
    this.#succession.replace()
    tellAll(() => wasSelected && this.#tell({ type: 'deselect', reason }))
  }

  async #ask<Result extends Json>(
    pick: (holder: ReturnType<typeof holderFrom>) => Result,
  ): Promise<Result | null> {
    const entry = await this.#services.read(this.#participant)
    return entry && pick(holderFrom(entry))
  }

  #tell(emitted: ElectionEmitted): void {
    if (debug.enabled) this.#log(emitted)
    switch (emitted.type) {
      case 'select': {
        this.#isSelected = true
        this.#work?.runAll()
        tellAll(
          () => this.emit('select', emitted.value),
          () => this.emit('selected', emitted.value),
        )
        return
      }
      case 'deselect':
        this.#abort(emitted.reason)
        this.emit('deselect', emitted.reason)
        return
      case 'change':
        this.emit('change', emitted.value, emitted.id)
        return
      case 'refresh':
        this.emit('refresh', emitted.value)
        return
      case 'vacant':
        this.emit('vacant')
        return
      case 'unreachable':
        this.emit('unreachable', this.#services.failures.errorOf(emitted.error), emitted.attempt)
        return
      case 'error':
        this.#fail(this.#services.failures.errorOf(emitted.error))
        return
      case 'valueRefused':
        this.#proposals.refuse(this.#services.failures.errorOf(emitted.error))
        return
      // Of these the succession hears.
      case 'released':
      case 'settled':
    }
  }

  #abort(reason: DeselectReason): void {
    this.#isSelected = false
    this.#work?.abort(new NotLeaderError(`no longer leader of ${this.path}: ${reason}`))
  }

  /** Without values: what they hold is not for us to write down. */
  #log(emitted: ElectionEmitted): void {
    const { path, id } = this.#participant
    switch (emitted.type) {
      case 'select':
        debug('%s, node %s: elected, with token %d', path, id, emitted.token)
        return
      case 'deselect':
        debug('%s, node %s: no longer leader: %s', path, id, emitted.reason)
        return
      case 'change':
        debug('%s, node %s: the holder is %s', path, id, emitted.id)
        return
      case 'vacant':
        debug('%s, node %s: the path is vacant', path, id)
        return
      case 'unreachable':
        debug('%s, node %s: attempt %d: %s', path, id, emitted.attempt, emitted.error.message)
        return
      case 'error':
        debug('%s, node %s: gives up: %s', path, id, emitted.error.message)
        return
      case 'valueRefused':
        debug('%s, node %s: keeps the value before: %s', path, id, emitted.error.message)
        return
      case 'released':
        debug('%s, node %s: has left the election', path, id)
    }
  }

  /** Tells an error to whoever listens. It never goes unnoticed, and never ends the process. */
  #fail(error: Error): void {
    const starting = this.#starting
    this.#starting = null
    starting?.reject(error)
    // Whether somebody awaits the promise of `start` cannot be known.
    if (this.listenerCount('error') > 0) this.emit('error', error)
    else if (starting === null || !starting.hasCallback) process.emitWarning(error)
  }
}

/** Calls `done` as well, if there is one; then the promise may be ignored. */
function settle<Result>(promise: Promise<Result>, done?: Done<Result>): Promise<Result> {
  if (done === undefined) return promise
  promise.then(
    (result) => done(null, result),
    (error: Error) => done(error),
  )
  return promise
}
