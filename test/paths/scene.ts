/** A real node on a gated store, a real rival, and an operator: here the steps of a path come about. */
import type { AnyTransitionDefinition, InspectionEvent } from 'xstate'
import type { DeselectReason } from '../../machines/election.js'
import {
  type LockedNode,
  type Locker,
  locked,
  RefusedError,
  type Store,
  TooLargeError,
  UnreachableError,
} from '../../src/index.js'
import { decodeRecord, encodeHolder, holderFrom } from '../../src/record.js'
import { reignOf as reignOfHolder } from '../../src/services/reign.js'
import { successorFrom } from '../../src/services/successor.js'
import type { Candidate, Entry, Reign, Sighting } from '../../src/stores/store.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { leafOf, nameOf } from './chart.js'
import { Gate, type Method, type Waiting } from './gate.js'
import { JUNK } from './model.js'
import { RestoredNode } from './restored-node.js'
import { isOwn, type ModelEvent, type World } from './test-machine.js'
import type { Told } from './told.js'

/** Where the election is held, and what can be done to it from outside. */
export interface Server {
  /** The node's connection. */
  readonly store: Store
  /** The rival's, and the operator's. */
  readonly peer: Store
  put(path: string, text: string): Promise<void>
  delete(path: string): Promise<void>
  revoke(leaseId: string): Promise<void>
  /** Forgets all changes but the newest. */
  compact(): Promise<void>
  /** Loses all that it has of the path. */
  lose(path: string): Promise<void>
  /** Lets everything happen that has been caused; resolves after a moment. */
  settle(): Promise<void>
  /** How long something may take to happen. */
  readonly patienceMs: number
}

const WITHIN = { timeoutMs: 60_000 }
const TICK_MS = 25
/** So long a leader leads before it asks who waits. */
const ATTENDS_AFTER_MS = 300
const ID = 'node'

export class Scene {
  readonly path: string
  readonly clock = new VirtualClock()
  readonly node: LockedNode
  readonly gate: Gate
  readonly #inspect: (inspected: InspectionEvent) => void
  #restored: RestoredNode | null = null
  readonly #server: Server
  /** Time stands still for the rival: its session lasts as long as the lease on the server. */
  readonly #stillClock = new VirtualClock()
  readonly #rivalGate: Gate
  readonly #ttl: number
  #rival: LockedNode | null = null
  /** Those who wait to be handed over to, in the order in which they came. */
  #heirs: readonly LockedNode[] = []
  readonly #locker: Locker
  /** A node of the same locker on another path, which keeps the session. */
  #beside: LockedNode | null = null
  #values = 0
  /** A claim that was given up and is still on its way. */
  #late: Waiting | null = null
  #endWork: () => void = () => undefined
  #failWork: (error: Error) => void = () => undefined
  /** Whether the leader's work ends when it is told to. */
  #workObeys = true
  /** What the node has emitted since this was last emptied. */
  readonly told: Told[] = []

  constructor(server: Server, path: string, ttl: number, took: (transition: string) => void) {
    this.path = path
    this.#server = server
    this.#ttl = ttl
    this.gate = new Gate(server.store)
    this.#rivalGate = new Gate(server.peer)
    this.#inspect = (inspected) => {
      if (inspected.type !== '@xstate.microstep') return
      for (const transition of inspected._transitions) {
        if (isOfNode(transition)) took(nameOf(transition))
      }
    }
    this.#locker = locked(this.gate, { clock: this.clock })
    this.node = this.#locker(path, { id: ID, value: 'value 0', ttl, inspect: this.#inspect })
    this.node.lead(({ signal }) => this.#work(signal))
    this.#listen()
  }

  /** What stands at the path, and the server's revision. */
  standing(): Promise<Sighting> {
    return this.#server.peer.read(this.path, WITHIN)
  }

  /** The node as it is seen from outside, by whatever process runs it. */
  get subject(): LockedNode | RestoredNode {
    return this.#restored ?? this.node
  }

  get leaf(): string {
    return leafOf(this.node.actor.getSnapshot().value)
  }

  /** The instance of the rival that was there last. */
  get rivalInstance(): string | null {
    return this.#rival?.actor.getSnapshot().context.instance ?? null
  }

  /** Waits until it is so. Gives up after a while: whoever compares then says what is wrong. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
    const deadline = Date.now() + this.#server.patienceMs
    for (let turns = 0; ; turns += 1) {
      await this.#server.settle()
      if (await isSo()) return true
      if (turns > 100 && Date.now() > deadline) return false
    }
  }

  /** Makes the event happen, and returns it as it must have reached the machine. */
  async cause(event: ModelEvent, world: World): Promise<ModelEvent> {
    const { type, cause } = event
    const during = this.leaf
    switch (type) {
      case 'start':
        void this.node.start()
        return event
      case 'transfer':
        this.#workObeys = !during.startsWith('leader')
        this.node.actor.send({ type: 'transfer', to: null })
        return event
      case 'entered':
        await this.#pass('enter')
        return { ...event, ...this.#entering, revision: this.gate.enteredAt }
      case 'handedOver':
        await this.#heirTakesOver(() => this.#pass('install'))
        return event
      case 'declined':
        await this.#heirsLeave(this.#heirs)
        await this.#pass('install')
        return event
      case 'stop':
        this.#workObeys = !during.startsWith('leader')
        this.#leaveClearing(during, () => void this.node.stop())
        // A follower's other session may be on its way: it is closed once it is open.
        if (during === 'follower.reopening') {
          await this.until(async () => {
            await this.#pass('grant', 'revoke')
            return this.leaf === 'stopped.released'
          })
        }
        return event
      case 'propose': {
        const value = this.#newValue('proposed')
        this.node.propose(value)
        return { ...event, value }
      }
      case 'backoff':
      case 'courtesy':
      case 'untilListed':
      case 'untilChosen':
        while (this.leaf === during) await this.#advance(TICK_MS)
        return event
      case 'workFailed':
        this.#failWork(new Error('the work failed'))
        return { ...event, error: { name: 'WorkError', message: '' } }
      case 'drained':
        return this.#drained(event)
      case 'listed':
        return this.#listed(event)
      case 'checked':
        return this.#checked(event)
      case 'deleted':
        return this.#deleted(event)
      case 'released':
        return this.#released(event)
      case 'won':
      case 'held':
        if (during === 'stopped.settling') return this.#looked(event)
        if (during === 'stopped.leaving') return this.#leftTooLate(event)
        if (cause === 'session over') return this.#wonTooLate(event)
        return this.#attends(await this.#claimed(event, world))
      case 'failed':
      case 'valueRefused':
      case 'refused':
        this.#workObeys = type !== 'refused'
        return this.#failed(event, world)
      case 'retrying':
        return this.#retrying(event)
      case 'renewed':
        await this.#untilRenewal()
        await this.#pass('renew')
        return event
      case 'opened':
        await this.until(async () => {
          await this.#pass('grant')
          return this.leaf !== during
        })
        return event
      case 'withdrawn':
        await this.until(async () => {
          await this.#pass('grant')
          return this.leaf !== during
        })
        return event
      case 'settled':
        await this.#endSession()
        return event
      case 'reignOver':
        await this.#server.delete(this.path)
        await this.until(() => this.#seenCount > 0)
        await this.gate.newest('propose')?.answer()
        return event
      case 'expired':
        this.#workObeys = true
        return this.#expired(event)
      case 'cleared':
        await this.#pass('release')
        return event
      case 'proposed':
        return this.#proposed(event, world)
      case 'changed':
      case 'vacated':
        if (during === 'stopped.settling') return this.#looked(event)
        this.#workObeys = true
        return this.#attends(await this.#seen(event, world))
      case 'reset':
        this.#workObeys = true
        return this.#reset(event)
      case 'restored':
        return this.#restore(event)
    }
  }

  /** Everything ends. Resolves with what was left behind. */
  async close(): Promise<string[]> {
    this.#workObeys = true
    this.#endWork()
    const left = (await this.#restored?.close(() => this.#server.settle())) ?? []
    const stopped = this.node.stop()
    const besideStopped = this.#beside?.stop()
    let isStopped = false
    void Promise.all([stopped, besideStopped]).then(() => {
      isStopped = true
    })
    await this.until(async () => {
      await this.#passAll()
      return isStopped
    })
    await this.#rivalStops()
    await this.#advance(0)
    if (!isStopped) left.push(`stop() did not resolve in ${this.leaf}`)
    if (this.gate.watches > 0) left.push(`${this.gate.watches} watches are open`)
    if (this.clock.timers > 0) left.push(`${this.clock.timers} timers are set`)
    return left
  }

  /** A record of the node's own instance that holds another value. */
  async #writeOwn(): Promise<void> {
    const entry = await this.#entry()
    await this.#server.peer.propose(this.path, this.#otherValue(entry), reignOf(entry), WITHIN)
  }

  #otherValue(entry: Entry): string {
    const { id, instance } = recordIn(entry)
    return encodeHolder(holderFrom(entry), { id, instance, value: this.#newValue('written') })
  }

  async #claimed(event: ModelEvent, { standing }: World): Promise<ModelEvent> {
    const during = this.leaf
    if (event.type === 'won') await this.#vacate()
    if (event.type === 'held' && event.cause !== 'junk' && event.cause !== 'leftover') {
      const holds = standing === 'rival' || (standing === 'leaving' && event.cause !== 'rival')
      if (!holds) await this.#rivalClaims()
      if (event.cause === 'leaving rival') await this.#rivalGivesNotice()
    }
    await this.until(async () => {
      await this.#pass('grant', 'claim')
      return this.leaf !== during
    })
    const { claimed, claimedUnder: lease, candidacy } = this.gate
    const entered = candidacy && { value: decodeRecord(candidacy.text)?.value }
    const found = claimed?.won === false ? { revision: claimed.revision, lease, entered } : {}
    return { ...event, ...found, holder: holderFrom(await this.#entry()) }
  }

  /** The claim is carried out, but its session ends before the answer comes. */
  async #wonTooLate(event: ModelEvent): Promise<ModelEvent> {
    await this.#vacate()
    const claim = await this.#untilClaim()
    const own = await this.standing()
    if (own.entry !== null) throw new Error('the path is not vacant')
    await claim.carryOut()
    const holder = holderFrom(await this.#entry())
    await this.#untilInvalid()
    await this.#pass('revoke')
    await claim.answer()
    this.#dropRenewals()
    return { ...event, holder }
  }

  /** What is on its way when the state is left is answered to nobody. */
  #leaveClearing(during: string, leave: () => void): void {
    const clearing = during === 'campaigning.clearing' ? this.gate.newest('release') : undefined
    leave()
    clearing?.fail(new UnreachableError('no answer'))
  }

  async #failed(event: ModelEvent, world: World): Promise<ModelEvent> {
    const { cause } = event
    const error = errorFor(event)
    switch (cause) {
      case 'no session':
      case 'session':
        await this.until(() => this.gate.newest('grant') !== undefined)
        this.gate.newest('grant')?.fail(error)
        return tells(event, error)
      case 'watch':
        this.gate.watching?.listener.refused(error)
        return tells(event, error)
      case 'look':
        await this.#untilLook()
        this.gate.newest('leave')?.fail(error)
        return tells(event, error)
      case 'hand-over':
        this.gate.newest('install')?.fail(error)
        await this.#heirsLeave(this.#heirs)
        return tells(event, error)
      case 'list':
        this.gate.newest('list')?.fail(error)
        return tells(event, error)
      case 'lease gone': {
        await this.#vacate()
        const claim = await this.#untilClaim()
        await claim.answer()
        await this.#pass('revoke')
        return { ...event, error: { name: 'LeaseGoneError', message: '' } }
      }
      case 'write':
        this.gate.newest('propose')?.fail(error)
        return tells(event, error)
      case 'clear':
        this.gate.newest('release')?.fail(error)
        return tells(event, error)
    }
    if (this.leaf.endsWith('clearing')) {
      const { holder } = this.node.actor.getSnapshot().context
      this.gate.newest('release')?.fail(error)
      return { ...tells(event, error), lease: holder?.session }
    }
    if (this.leaf === 'leader.proposing') {
      this.gate.newest('propose')?.fail(error)
      return tells(event, error)
    }
    if (this.leaf === 'follower.enqueueing') {
      const { lease } = this.#entering
      this.gate.newest('enter')?.fail(error)
      return { ...tells(event, error), ...(event.type === 'failed' && { lease }) }
    }
    if (this.leaf === 'stopped.handingOver') {
      const { holder } = this.node.actor.getSnapshot().context
      const install = this.gate.newest('install')
      if (cause === 'answer lost') await this.#heirTakesOver(async () => install?.carryOut())
      else await this.#heirsLeave(this.#heirs)
      install?.fail(error)
      return { ...tells(event, error), lease: holder?.session }
    }
    if (cause === 'answer lost' && !isOwn(world.standing)) await this.#vacate()
    const claim = await this.#untilClaim()
    if (cause === 'answer lost') await claim.carryOut()
    if (cause === 'late') this.#late = claim
    claim.fail(error)
    const { claimedUnder: lease } = this.gate
    return { ...tells(event, error), ...(event.type === 'failed' && { lease }) }
  }

  async #retrying(event: ModelEvent): Promise<ModelEvent> {
    const error = new UnreachableError('no answer')
    if (event.cause === 'watch') {
      this.gate.watching?.listener.retrying(error, 1)
    } else {
      await this.#untilRenewal()
      this.gate.newest('renew')?.fail(error)
    }
    return { ...tells(event, error), attempt: 1 }
  }

  async #expired(event: ModelEvent): Promise<ModelEvent> {
    const during = this.leaf
    if (event.cause === 'silent') await this.#endSession()
    else if (event.cause === 'slept') {
      this.clock.jumpWall(this.#ttl * 1_000)
      // What was known already, and so is no more than an occasion to look at the clock.
      this.gate.watching?.listener.seen(await this.standing())
    } else if (event.cause === 'lease gone') {
      await this.#untilRenewal()
      await this.#revokeOwn()
      await this.#pass('renew')
    } else if (event.cause === 'frozen') {
      await this.#untilInvalid()
      for (const { method, fail } of [...this.gate.waiting]) {
        if (method === 'revoke') fail(new UnreachableError('no answer'))
      }
    } else {
      await this.#writeOwn()
      await this.until(() => this.#seenCount > 0)
      this.clock.jumpWall(this.#ttl * 1_000)
      this.gate.watching?.deliver()
    }
    this.#dropRenewals()
    await this.until(async () => {
      await this.#pass('revoke')
      return this.leaf !== during
    })
    return event
  }

  async #proposed(event: ModelEvent, { write }: World): Promise<ModelEvent> {
    await this.gate.newest('propose')?.answer()
    const entry = await this.#entry()
    if (!write?.carriedOut) {
      // The watch brings what was written as well, and it is no news any more.
      await this.until(() => this.#seenCount > 0)
      this.gate.watching?.deliver()
    }
    return { ...event, value: holderFrom(entry).value, revision: entry.revision }
  }

  async #seen(event: ModelEvent, { standing }: World): Promise<ModelEvent> {
    switch (event.cause) {
      case 'own reign':
        await this.#writeOwn()
        break
      case 'own write':
        await this.gate.newest('propose')?.carryOut()
        break
      case 'junk':
        if (standing === 'rival') this.#killRival()
        await this.#server.put(this.path, JUNK)
        break
      case 'rival proposes':
        this.#rival?.propose(this.#newValue('rival’s'))
        await this.#rivalGate.newest('propose')?.answer()
        break
      case 'stands down':
        await this.#rivalStops()
        break
      case 'stood down':
      case 'deleted':
        this.#killRival()
        await this.#server.delete(this.path)
        break
      case 'revoked':
        this.#killRival()
        await this.#revokeOwn()
        break
      case 'told late':
        break
      case 'handed over':
        await this.#install(this.#ownInstance)
        break
      case 'missed':
        await this.#missing(async () => {
          await this.#vacate()
          await this.#rivalClaims()
        })
        break
      case 'late claim':
        await this.#missing(async () => {
          await this.#vacate()
          await this.#late?.carryOut()
        })
        break
      default:
        throw new Error(`nobody knows how to cause ${event.type} by ${event.cause}`)
    }
    const holds = this.gate.watching
    await this.until(() => this.#seenCount > 0)
    if (holds === undefined) throw new Error('the node does not watch')
    const { entry, revision } = holds.deliver()
    return { ...event, revision, ...(entry === null ? {} : { holder: holderFrom(entry) }) }
  }

  async #drained(event: ModelEvent): Promise<ModelEvent> {
    const { cause } = event
    const candidates = await this.#heirsEnter(cause)
    for (const candidate of candidates) this.gate.attending?.entered(candidate)
    const restore = cause === 'nobody ever waits' ? this.gate.hideCandidates() : () => undefined
    if (cause === 'validity ends') {
      await this.#untilInvalid()
      this.#dropRenewals()
    } else this.#endWork()
    await this.until(() => this.leaf !== 'stopped.draining')
    restore()
    await this.#pass('revoke')
    this.#endWork()
    if (candidates.length === 0) return event
    const waiting = candidates.map(successorFrom)
    return { ...event, waiting, knownUpTo: waiting.at(-1)?.revision }
  }

  async #listed(event: ModelEvent): Promise<ModelEvent> {
    await this.#heirsEnter(event.cause)
    await this.gate.newest('list')?.answer()
    return { ...event, waiting: this.gate.listed?.waiting.map(successorFrom) }
  }

  async #checked(event: ModelEvent): Promise<ModelEvent> {
    const which = Number(/heir (\d)/.exec(event.cause)?.[1])
    const instance = this.#heirs[which - 1]?.actor.getSnapshot().context.instance
    const { choosing } = this.node.actor.getSnapshot().context
    const lease = choosing.find((one) => one.instance === instance)?.lease
    const asked = this.gate.waiting.find(({ about }) => about === lease)
    if (event.isOverdue === true && lease !== undefined) await this.#server.revoke(lease)
    if (event.isOverdue === null) asked?.fail(new UnreachableError('no answer'))
    else await asked?.answer()
    return { ...event, instance }
  }

  /** Once it leads it learns who waits: nobody, until a path says so. */
  async #attends(event: ModelEvent): Promise<ModelEvent> {
    await this.#server.settle()
    if (!this.leaf.startsWith('leader') || this.gate.attending !== null) return event
    await this.#advance(ATTENDS_AFTER_MS)
    await this.until(() => this.gate.newest('list') !== undefined)
    await this.#pass('list')
    await this.until(() => this.gate.attending !== null)
    return event
  }

  /** It was installed before its entry could be taken away. */
  async #leftTooLate(event: ModelEvent): Promise<ModelEvent> {
    if (event.cause === 'handed over') await this.#install(this.#ownInstance)
    const { entry, revision } = await this.#leave()
    const { entered } = this.node.actor.getSnapshot().context
    return { ...event, revision, holder: entry && holderFrom(entry), lease: entered?.lease }
  }

  /** What the node is told as it takes its entry away. Others write to the same etcd meanwhile. */
  async #leave(): Promise<Sighting> {
    await this.#pass('leave')
    const { looked } = this.gate
    if (looked === null) throw new Error('the node has not looked')
    return looked
  }

  /** The rival hands over to that candidate. */
  async #install(instance: string): Promise<void> {
    const { candidates } = this.#server.peer
    const { entry, waiting = [] } = (await candidates?.list(this.path, WITHIN)) ?? { entry: null }
    const candidate = waiting.find((one) => one.instance === instance)
    if (entry === null || candidate === undefined) throw new Error(`${instance} does not wait`)
    this.#killRival()
    await candidates?.install(this.path, reignOf(entry), candidate, WITHIN)
  }

  /** As many as the path says come to wait, each in a process of its own; all who wait by then. */
  async #heirsEnter(cause: string): Promise<readonly Candidate[]> {
    const count = cause.startsWith('one') ? 1 : cause.startsWith('several') ? 3 : 0
    for (let index = 0; index < count; index += 1) {
      const heir = this.#newRival()
      this.#heirs = [...this.#heirs, heir]
      await this.#letRival(heir.start())
      if (heir.state !== 'follower') throw new Error('the heir does not follow')
    }
    if (count === 0) return []
    return (await this.#server.peer.candidates?.list(this.path, WITHIN))?.waiting ?? []
  }

  /** Their processes are gone, and with their leases their entries. */
  async #heirsLeave(heirs: readonly LockedNode[]): Promise<void> {
    this.#heirs = []
    for (const { actor } of heirs) {
      const [lease] = actor.getSnapshot().context.leases
      actor.stop()
      if (lease !== undefined) await this.#server.revoke(lease)
    }
  }

  /** Whoever is installed holds the path from then on, and the others leave. */
  async #heirTakesOver(install: () => Promise<void>): Promise<void> {
    const { successor } = this.node.actor.getSnapshot().context
    const isChosen = ({ actor }: LockedNode) =>
      actor.getSnapshot().context.instance === successor?.instance
    await install()
    this.#rival = this.#heirs.find(isChosen) ?? null
    await this.#heirsLeave(this.#heirs.filter((heir) => !isChosen(heir)))
  }

  get #ownInstance(): string {
    return this.node.actor.getSnapshot().context.instance
  }

  /** What the node is entering with. */
  get #entering() {
    const { value, leases } = this.node.actor.getSnapshot().context
    return { value, lease: leases[0] }
  }

  async #deleted(event: ModelEvent): Promise<ModelEvent> {
    const { holder } = this.node.actor.getSnapshot().context
    const release = this.gate.newest('release')
    if (event.lease === undefined) await release?.answer()
    else release?.fail(new UnreachableError('no answer'))
    return { ...event, ...(event.lease !== undefined && { lease: holder?.session }) }
  }

  async #released(event: ModelEvent): Promise<ModelEvent> {
    const unreachable = new UnreachableError('no answer')
    const isDone = event.cause === 'done'
    const during = this.leaf
    const { holder, entered } = this.node.actor.getSnapshot().context
    const from = during === 'stopped.releasing' ? holder?.session : entered?.lease
    const lease = event.lease === undefined ? {} : { lease: from }
    if (event.cause === 'no answer, session kept') {
      await this.#keepSession()
      this.gate.newest('release')?.fail(unreachable)
      await this.until(() => this.leaf !== during)
      return { ...event, ...lease }
    }
    await this.until(async () => {
      for (const waiting of [...this.gate.waiting]) {
        if (this.leaf !== during) break
        const fails = event.cause === 'not revoked' ? waiting.method === 'revoke' : !isDone
        if (fails) waiting.fail(unreachable)
        else await waiting.answer()
        await this.#server.settle()
      }
      return this.leaf !== during
    })
    return { ...event, ...lease }
  }

  /** A node of the same process is started beside this one. */
  async #keepSession(): Promise<void> {
    const beside = this.#locker(`${this.path} beside`, { value: null, ttl: this.#ttl })
    this.#beside = beside
    void beside.start()
    await this.until(async () => {
      await this.#pass('claim')
      return beside.isLeader
    })
  }

  /** The session is renewed, and the node looks. */
  async #untilLook(): Promise<void> {
    await this.#untilRenewal()
    await this.#pass('renew')
    await this.until(() => this.gate.newest('leave') !== undefined)
  }

  async #looked(event: ModelEvent): Promise<ModelEvent> {
    if (event.cause === 'look at a rival') await this.#rivalClaims()
    await this.#untilLook()
    const { unanswered } = this.node.actor.getSnapshot().context
    const { entry, revision } = await this.#leave()
    return {
      ...event,
      revision,
      ...(entry !== null && { holder: holderFrom(entry), lease: unanswered }),
    }
  }

  async #reset(event: ModelEvent): Promise<ModelEvent> {
    this.#killRival()
    this.#late = null
    await this.#server.lose(this.path)
    const before = [...this.gate.waiting]
    this.gate.reset()
    // As EtcdStore lets it fail.
    for (const { fail } of before) fail(new UnreachableError('the history was replaced'))
    await this.#pass('revoke')
    return event
  }

  /** The node's process stands still for good. In a new one its actor is restored from its snapshot. */
  async #restore(event: ModelEvent): Promise<ModelEvent> {
    this.#restored = new RestoredNode(
      this.node.actor.getPersistedSnapshot(),
      new Gate(this.#server.store),
      this.#inspect,
      this.told,
    )
    return event
  }

  /** While the watch is interrupted, things happen and are forgotten: it sees only how they ended. */
  async #missing(happen: () => Promise<void>): Promise<void> {
    const { watching } = this.gate
    watching?.interrupt()
    await happen()
    await this.#server.compact()
    watching?.resume()
  }

  /** Timers count whole milliseconds. */
  #untilInvalid(): Promise<void> {
    return this.#advance(Math.ceil(this.#validityMs))
  }

  /** Of the session of the node's process. */
  get #validityMs(): number {
    return (this.#beside ?? this.node).validityMs
  }

  async #endSession(): Promise<void> {
    await this.#untilInvalid()
    this.#dropRenewals()
    await this.until(() => this.#validityMs === 0)
    await this.#pass('revoke')
  }

  async #untilClaim(): Promise<Waiting> {
    await this.until(async () => {
      if (this.gate.newest('claim') === undefined) await this.#pass('grant')
      return this.gate.newest('claim') !== undefined
    })
    const claim = this.gate.newest('claim')
    if (claim === undefined) throw new Error('no claim is on its way')
    return claim
  }

  async #untilRenewal(): Promise<void> {
    this.#dropRenewals()
    while (this.gate.newest('renew') === undefined) {
      if (this.#validityMs === 0) throw new Error('the session ended and was not renewed')
      await this.#advance(500)
    }
  }

  /** Renewals that were sent over a connection that is frozen have no answer. */
  #dropRenewals(): void {
    for (const waiting of [...this.gate.waiting]) {
      if (waiting.method === 'renew') waiting.fail(new UnreachableError('no answer'))
    }
  }

  async #pass(...methods: readonly Method[]): Promise<void> {
    for (const waiting of [...this.gate.waiting]) {
      if (methods.includes(waiting.method)) await waiting.answer()
    }
  }

  async #passAll(): Promise<void> {
    for (const waiting of [...this.gate.waiting]) await waiting.answer()
  }

  #advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  get #seenCount(): number {
    return this.gate.watching?.seen ?? 0
  }

  async #entry(): Promise<Entry> {
    const { entry } = await this.standing()
    if (entry === null) throw new Error('nothing stands at the path')
    return entry
  }

  async #rivalClaims(): Promise<void> {
    await this.#vacate()
    this.#rival = this.#newRival()
    await this.#letRival(this.#rival.start())
    if (!this.#rival.isLeader) throw new Error('the rival does not lead')
  }

  #newRival(): LockedNode {
    const locker = locked(this.#rivalGate, { clock: this.#stillClock })
    return locker(this.path, {
      // The same id: only the instance tells one from the other.
      id: ID,
      value: this.#newValue('rival’s'),
      ttl: this.#ttl,
    })
  }

  /** The first half of what a stop does. */
  async #rivalGivesNotice(): Promise<void> {
    const entry = await this.#entry()
    const { id, value, instance } = recordIn(entry)
    const notice = encodeHolder(holderFrom(entry), { id, value, instance, released: true })
    await this.#server.peer.propose(this.path, notice, reignOf(entry), WITHIN)
  }

  async #rivalStops(): Promise<void> {
    if (this.#rival !== null) await this.#letRival(this.#rival.stop())
    this.#rival = null
  }

  /** The rival's calls go through one after the other: etcd might change their order. */
  async #letRival(done: Promise<void>): Promise<void> {
    let isDone = false
    const end = () => {
      isDone = true
    }
    done.then(end, end)
    await this.until(async () => {
      const [first] = this.#rivalGate.waiting
      // It hands over only where a path says so.
      if (first?.method === 'list') first.fail(new UnreachableError('no answer'))
      else await first?.answer()
      return isDone
    })
    await done
  }

  /** Whatever stands at the path goes: a rival stops, the rest is deleted. */
  async #vacate(): Promise<void> {
    await this.#rivalStops()
    const { entry } = await this.standing()
    if (entry !== null) await this.#server.delete(this.path)
  }

  #newValue(whose: string): string {
    this.#values += 1
    return `${whose} ${this.#values}`
  }

  /** The rival's process is gone without a word. */
  #killRival(): void {
    this.#rival?.actor.stop()
    this.#rival = null
  }

  async #revokeOwn(): Promise<void> {
    await this.#server.revoke(reignOf(await this.#entry()).lease)
  }

  #work(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#endWork = resolve
      this.#failWork = reject
      signal.addEventListener('abort', () => {
        if (this.#workObeys) resolve()
      })
    })
  }

  #listen(): void {
    const { node, told } = this
    node.on('change', (...args) => told.push({ event: 'change', args }))
    node.on('select', (...args) => told.push({ event: 'select', args }))
    node.on('selected', (...args) => told.push({ event: 'selected', args }))
    node.on('deselect', (...args: [DeselectReason]) => told.push({ event: 'deselect', args }))
    node.on('refresh', (...args) => told.push({ event: 'refresh', args }))
    node.on('vacant', () => told.push({ event: 'vacant', args: [] }))
    node.on('unreachable', ({ name }, attempt) =>
      told.push({ event: 'unreachable', args: [name, attempt] }),
    )
    node.on('error', ({ name }) => told.push({ event: 'error', args: [name] }))
  }
}

function recordIn(entry: Entry) {
  const { id, value, instance } = holderFrom(entry)
  if (id === null || instance === null) throw new Error('what stands there is not a record')
  return { id, value, instance }
}

function reignOf(entry: Entry): Reign {
  const reign = reignOfHolder(holderFrom(entry))
  if (reign === null) throw new Error('no lease stands behind the path')
  return reign
}

function errorFor({ type }: ModelEvent): Error {
  if (type === 'refused') return new RefusedError('the store refuses')
  if (type === 'valueRefused') return new TooLargeError('the value is too large')
  return new UnreachableError('no answer')
}

function tells(event: ModelEvent, { name, message }: Error): ModelEvent {
  return { ...event, error: { name, message } }
}

/** The services are machines' children too, of no states: only the node's own transitions count. */
function isOfNode({ source }: AnyTransitionDefinition): boolean {
  return source.machine.id === 'election'
}
