import { fromCallback } from 'xstate'
import {
  type ElectionActor,
  type ElectionEvent,
  type ElectionMachine,
  electionMachine,
  type ServiceInput,
} from '../../machines/election.js'
import type { Clock } from '../clock.js'
import { RefusedError, UnreachableError } from '../errors.js'
import { encodeRecord } from '../record.js'
import { SessionPool, timeoutMsFor } from '../sessions/session-pool.js'
import type { Entry, Store } from '../stores/store.js'
import type { Telemetry } from '../telemetry.js'
import { AppActors } from './app-actors.js'
import { Campaign } from './campaign.js'
import { clear } from './clear.js'
import { Failures } from './failures.js'
import { KeepingAlive } from './keep-alive.js'
import { Doubts } from './orphans.js'
import type { Participant } from './participant.js'
import { Watching } from './watch.js'

type Send = (event: ElectionEvent) => void

/** What a service has going on, until its state is left. */
interface Going {
  close(): void
}

interface Admitted {
  readonly participant: Participant
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
  readonly failures = new Failures()
  readonly #sessions: SessionPool
  readonly #doubts: Doubts
  readonly #campaigns: Campaign
  readonly #participants = new Map<string, Admitted>()
  readonly #embedded = new AppActors((participant, context) => this.#leave(participant, context))
  /** Nodes in the election and questions on their way: while there are any, the store stays open. */
  #uses = 0

  constructor(store: Store, clock: Clock, telemetry: Telemetry | null = null) {
    this.store = store
    this.clock = clock
    this.#sessions = new SessionPool(store, clock, telemetry)
    this.#doubts = new Doubts(store)
    this.#campaigns = new Campaign(store, this.#sessions, this.#doubts)
    store.onReset?.(() => {
      this.#campaigns.reset()
      this.#sessions.reset(() => this.#tellReset())
    })
    const service = (
      run: (participant: Participant, send: Send, input: ServiceInput) => Going | undefined,
    ) =>
      fromCallback<ElectionEvent, ServiceInput>(({ input, self, sendBack }) => {
        const admitted = this.#participants.get(input.instance)
        const participant =
          admitted?.participant ?? this.#embedded.participantOf(input, self._parent)
        const going = run(participant, sendBack, input)
        return going?.close.bind(going)
      })
    this.machine = electionMachine.provide({
      actors: {
        campaign: service(
          (participant, send, input) => void this.#campaign(participant, send, input),
        ),
        clear: service((participant, send, input) => void this.#clear(participant, send, input)),
        resume: service((participant, send) => void this.#resume(participant, send)),
        watch: service((participant, send, { revision }) =>
          participant.joined
            ? new Watching(store, this.failures, participant, send, revision + 1)
            : undefined,
        ),
        keepAlive: service((participant, send, { holder, instance }) => {
          if (!this.#resume(participant, send)) return undefined
          const isLeader = holder?.instance === instance && participant.reign !== null
          const means = { sessions: this.#sessions, clock, failures: this.failures }
          return new KeepingAlive(means, participant, send, isLeader)
        }),
        propose: service(
          (participant, send, input) => void this.#propose(participant, send, input),
        ),
        drain: service((participant, send) => this.#drain(participant, send)),
        release: service(
          (participant, send, input) => void this.#release(participant, send, input),
        ),
      },
    })
  }

  /** From now on, until it is dismissed, the node may need its services. */
  admit(participant: Participant, node: Stoppable): void {
    this.#participants.set(participant.instance, { participant, node })
  }

  /** The node is stopped: nothing holds on to it any more. */
  dismiss({ instance }: Participant): void {
    this.#participants.delete(instance)
  }

  /**
   * Releases a participant whose actor has ended, and so can do nothing more, as that would have been done when it was
   * stopped. Given is what the actor knew last.
   */
  async abandon(
    participant: Participant,
    context: Pick<ServiceInput, 'holder' | 'value'>,
  ): Promise<void> {
    await new Promise<void>((drained) => void this.#drain(participant, () => drained()))
    await this.#leave(participant, context)
  }

  async stopAll(): Promise<void> {
    const stopping = [...this.#participants.values()].map(({ node }) => node.stop())
    await Promise.all([...stopping, this.#embedded.stopAll()])
  }

  /** Each of them elects anew, whatever it is about. */
  #tellReset(): void {
    for (const { node } of [...this.#participants.values()]) {
      // One whose actor has ended in an error is about to leave.
      if (node.actor.getSnapshot().status === 'active') node.actor.send({ type: 'reset' })
    }
    this.#embedded.tellAll({ type: 'reset' })
  }

  /** Asks the store what stands at the participant's path. */
  async read({ path, ttl }: Participant): Promise<Entry | null> {
    this.#uses += 1
    try {
      return (await this.store.read(path, { timeoutMs: timeoutMsFor(ttl) })).entry
    } finally {
      this.#doneUsing()
    }
  }

  // XState passes on nothing of a service whose state has been left: an answer may come when it will.
  #campaign(participant: Participant, send: Send, { value }: ServiceInput): void {
    if (!participant.joined) {
      participant.joined = true
      this.#uses += 1
      this.#sessions.join(participant.ttl, participant.path)
    }
    const claiming = this.#campaigns
      .run(participant, value)
      .then(send, (thrown: unknown) => send(this.#failed(thrown, participant.claimedUnder)))
      .finally(() => {
        if (participant.claiming === claiming) participant.claiming = null
      })
    participant.claiming = claiming
  }

  #clear(participant: Participant, send: Send, { holder }: ServiceInput): void {
    if (!this.#resume(participant, send) || holder === null) return
    clear(this.store, participant, holder).then(send, (thrown: unknown) =>
      send(this.#failed(thrown)),
    )
  }

  /** Whether the actor has campaigned in this process. One that has not was restored from a snapshot. */
  #resume({ joined }: Participant, send: Send): boolean {
    if (!joined) send({ type: 'restored' })
    return joined
  }

  #propose(participant: Participant, send: Send, { value }: ServiceInput): void {
    const { path, id, instance, ttl, reign } = participant
    if (reign === null) return
    const text = encodeRecord({ id, value, instance })
    this.store.propose(path, text, reign, { timeoutMs: timeoutMsFor(ttl) }).then(
      // A reign that is over is for the watch to tell.
      (revision) => revision !== null && send({ type: 'proposed', value, revision }),
      (thrown: unknown) => send(this.#failed(thrown)),
    )
  }

  #drain(participant: Participant, send: Send): Going | undefined {
    const { work, session } = participant
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

  async #release(participant: Participant, send: Send, input: ServiceInput): Promise<void> {
    await this.#leave(participant, input)
    // Before the machine is told: it may be started again at once.
    this.#embedded.dismiss(participant)
    send({ type: 'released' })
  }

  /** Nothing of the participant is left afterwards, or nothing more can be done about it. */
  async #leave(
    participant: Participant,
    { holder, value }: Pick<ServiceInput, 'holder' | 'value'>,
  ): Promise<void> {
    const { path, id, instance, ttl } = participant
    // A claim on its way may still install this node.
    await participant.claiming
    const { reign, session } = participant
    participant.reign = null
    if (reign !== null && session?.lease.id === reign.lease && session.isValid) {
      // A claim that was given up may have won after what stood there before.
      const isKnown = holder?.instance === instance
      const standing = { id, value: isKnown ? holder.value : value, instance }
      const notice = encodeRecord({ ...standing, released: true })
      try {
        await this.store.release(path, reign, notice, { timeoutMs: timeoutMsFor(ttl) })
      } catch (thrown) {
        if (thrown instanceof UnreachableError) participant.doubtIn = session
      }
    }
    if (participant.doubtIn?.isValid) this.#doubts.add(participant, participant.doubtIn)
    participant.doubtIn = null
    if (participant.joined) {
      participant.joined = false
      participant.session = null
      await this.#sessions.leave(ttl, path)
      this.#doneUsing()
    }
  }

  #failed(thrown: unknown, lease: string | null = null): ElectionEvent {
    const error = this.failures.of(thrown)
    if (thrown instanceof RefusedError) return { type: 'refused', error }
    return { type: 'failed', error, ...(lease !== null && { lease }) }
  }

  #doneUsing(): void {
    this.#uses -= 1
    if (this.#uses === 0) this.store.closeIdle()
  }
}
