import { fromCallback } from 'xstate'
import {
  type ElectionActor,
  type ElectionEvent,
  type ElectionMachine,
  electionMachine,
  type Failure,
  type ServiceInput,
} from '../../machines/election.js'
import type { Clock } from '../clock.js'
import { errorFrom, RefusedError, UnreachableError } from '../errors.js'
import { encodeRecord } from '../record.js'
import { Sessions, withinMsFor } from '../sessions/session-pool.js'
import type { Entry, Store } from '../stores/store.js'
import type { Telemetry } from '../telemetry.js'
import { EmbeddedMachines } from './app-actors.js'
import { Campaign } from './campaign.js'
import { KeepingAlive } from './keep-alive.js'
import { Doubts } from './orphans.js'
import type { Member } from './participant.js'
import { Watching } from './watch.js'

type Send = (event: ElectionEvent) => void

/** What a service has going on, until its state is left. */
interface Going {
  close(): void
}

interface Admitted {
  readonly member: Member
  readonly node: Stoppable
}

interface Stoppable {
  readonly actor: Pick<ElectionActor, 'send' | 'getSnapshot'>
  stop(): Promise<void>
}

/** The statechart's services, for all nodes of a locker. */
export class Services {
  readonly store: Store
  readonly clock: Clock
  /** The statechart with these services in it. */
  readonly machine: ElectionMachine
  readonly sessions: Sessions
  readonly #doubts: Doubts
  readonly #campaigns: Campaign
  readonly #members = new Map<string, Admitted>()
  readonly #embedded = new EmbeddedMachines((member, context) => this.#leave(member, context))
  readonly #errors = new WeakMap<Failure, Error>()
  /** Nodes in the election and questions on their way: while there are any, the store stays open. */
  #uses = 0

  constructor(store: Store, clock: Clock, telemetry: Telemetry | null = null) {
    this.store = store
    this.clock = clock
    this.sessions = new Sessions(store, clock, telemetry)
    this.#doubts = new Doubts(store)
    this.#campaigns = new Campaign(store, this.sessions, this.#doubts)
    store.onReset?.(() => {
      this.#campaigns.reset()
      this.sessions.reset(() => this.#tellReset())
    })
    const service = (run: (member: Member, send: Send, input: ServiceInput) => Going | undefined) =>
      fromCallback<ElectionEvent, ServiceInput>(({ input, self, sendBack }) => {
        const admitted = this.#members.get(input.instance)
        const member = admitted?.member ?? this.#embedded.memberOf(input, self._parent)
        const going = run(member, sendBack, input)
        return going?.close.bind(going)
      })
    this.machine = electionMachine.provide({
      actors: {
        campaign: service((member, send, input) => this.#campaign(member, send, input)),
        resume: service((member, send) => void this.#resume(member, send)),
        watch: service((member, send, { revision }) =>
          member.joined ? new Watching(this, member, send, revision + 1) : undefined,
        ),
        keepAlive: service((member, send, { holder, instance }) => {
          if (!this.#resume(member, send)) return undefined
          const isLeader = holder?.instance === instance && member.reign !== null
          return new KeepingAlive(this, member, send, isLeader)
        }),
        propose: service((member, send, input) => this.#propose(member, send, input)),
        drain: service((member, send) => this.#drain(member, send)),
        release: service((member, send, input) => void this.#release(member, send, input)),
      },
    })
  }

  /** From now on, until it is dismissed, the node may need its services. */
  admit(member: Member, node: Stoppable): void {
    this.#members.set(member.instance, { member, node })
  }

  /** The node is stopped: nothing holds on to it any more. */
  dismiss({ instance }: Member): void {
    this.#members.delete(instance)
  }

  /**
   * Releases a member whose actor has ended, and so can do nothing more, as that would have been done when it was
   * stopped. Given is what the actor knew last.
   */
  async abandon(member: Member, context: Pick<ServiceInput, 'holder' | 'value'>): Promise<void> {
    await new Promise<void>((drained) => void this.#drain(member, () => drained()))
    await this.#leave(member, context)
  }

  async stopAll(): Promise<void> {
    const stopping = [...this.#members.values()].map(({ node }) => node.stop())
    await Promise.all([...stopping, this.#embedded.stopAll()])
  }

  /** Each of them elects anew, whatever it is about. */
  #tellReset(): void {
    for (const { node } of [...this.#members.values()]) {
      // One whose actor has ended in an error is about to leave.
      if (node.actor.getSnapshot().status === 'active') node.actor.send({ type: 'reset' })
    }
    this.#embedded.tellAll({ type: 'reset' })
  }

  /** The failure that a machine is told of, in place of the error itself. */
  failureOf(thrown: unknown): Failure {
    const error = errorFrom(thrown)
    const failure: Failure = { name: error.name, message: error.message }
    this.#errors.set(failure, error)
    return failure
  }

  /** The error behind a failure that a machine tells of. */
  errorOf(failure: Failure): Error {
    return this.#errors.get(failure) ?? new Error(failure.message)
  }

  /** Asks the store what stands at the member's path. */
  async read({ path, ttl }: Member): Promise<Entry | null> {
    this.#uses += 1
    try {
      return (await this.store.read(path, { withinMs: withinMsFor(ttl) })).entry
    } finally {
      this.#doneUsing()
    }
  }

  #campaign(member: Member, send: Send, { value }: ServiceInput): Going {
    let wanted = true
    if (!member.joined) {
      member.joined = true
      this.#uses += 1
      this.sessions.join(member.ttl, member.path)
    }
    const claiming = this.#campaigns
      .run(member, value, () => wanted)
      .then(
        (event) => {
          if (wanted) send(event)
        },
        (thrown: unknown) => {
          if (wanted) send(this.#failed(thrown))
        },
      )
      .finally(() => {
        if (member.claiming === claiming) member.claiming = null
      })
    member.claiming = claiming
    return {
      close() {
        wanted = false
      },
    }
  }

  /** Whether the actor has campaigned in this process. One that has not was restored from a snapshot. */
  #resume({ joined }: Member, send: Send): boolean {
    if (!joined) send({ type: 'restored' })
    return joined
  }

  #propose(member: Member, send: Send, { value }: ServiceInput): Going {
    const { path, id, instance, ttl, reign } = member
    let wanted = true
    const told = (event: ElectionEvent) => {
      if (wanted) send(event)
    }
    if (reign !== null) {
      const text = encodeRecord({ id, value, instance })
      this.store.propose(path, text, reign, { withinMs: withinMsFor(ttl) }).then(
        // A reign that is over is for the watch to tell.
        (revision) => revision !== null && told({ type: 'proposed', value, revision }),
        (thrown: unknown) => told(this.#failed(thrown)),
      )
    }
    return {
      close() {
        wanted = false
      },
    }
  }

  #drain(member: Member, send: Send): Going | undefined {
    const { work, session } = member
    if (work === null) {
      send({ type: 'drained' })
      return undefined
    }
    let told = false
    const drained = () => {
      if (told) return
      told = true
      this.clock.clearTimeout(timer)
      send({ type: 'drained' })
    }
    const timer = this.clock.setTimeout(drained, session?.validityMs ?? 0)
    void work.then(drained)
    return { close: () => this.clock.clearTimeout(timer) }
  }

  async #release(member: Member, send: Send, input: ServiceInput): Promise<void> {
    await this.#leave(member, input)
    // Before the machine is told: it may be started again at once.
    this.#embedded.dismiss(member)
    send({ type: 'released' })
  }

  /** Nothing of the member is left afterwards, or nothing more can be done about it. */
  async #leave(
    member: Member,
    { holder, value }: Pick<ServiceInput, 'holder' | 'value'>,
  ): Promise<void> {
    const { path, id, instance, ttl } = member
    // A claim on its way may still install this node.
    await member.claiming
    const { reign, session } = member
    member.reign = null
    if (reign !== null && session?.lease.id === reign.lease && session.isValid) {
      // A claim that was given up may have won after what stood there before.
      const isKnown = holder?.instance === instance
      const standing = { id, value: isKnown ? holder.value : value, instance }
      const notice = encodeRecord({ ...standing, released: true })
      try {
        await this.store.release(path, reign, notice, { withinMs: withinMsFor(ttl) })
      } catch (thrown) {
        if (thrown instanceof UnreachableError) member.doubtIn = session
      }
    }
    if (member.doubtIn?.isValid) this.#doubts.add(member, member.doubtIn)
    member.doubtIn = null
    if (member.joined) {
      member.joined = false
      member.session = null
      await this.sessions.leave(ttl, path)
      this.#doneUsing()
    }
  }

  #failed(thrown: unknown): ElectionEvent {
    const error = this.failureOf(thrown)
    return { type: thrown instanceof RefusedError ? 'refused' : 'failed', error }
  }

  #doneUsing(): void {
    this.#uses -= 1
    if (this.#uses === 0) this.store.rest()
  }
}
