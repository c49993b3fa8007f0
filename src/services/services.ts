import { fromCallback } from 'xstate'
import {
  type ElectionActor,
  type ElectionEvent,
  type ElectionMachine,
  electionMachine,
  type ServiceInput,
} from '../../machines/election.js'
import { assertJson } from '../arguments.js'
import type { Clock } from '../clock.js'
import { SessionPool, timeoutMsFor } from '../sessions/session-pool.js'
import type { Entry, Store } from '../stores/store.js'
import type { Telemetry } from '../telemetry.js'
import { AppActor } from './app-actor.js'
import { campaign } from './campaign.js'
import { checkRenewals } from './check-renewals.js'
import { Claims } from './claims.js'
import { clear } from './clear.js'
import { type Competitor, competitorsFor } from './competitors.js'
import { drain } from './drain.js'
import { enqueue } from './enqueue.js'
import { Failures } from './failures.js'
import { handOver } from './hand-over.js'
import { keepAlive } from './keep-alive.js'
import { leave } from './leave.js'
import { list } from './list.js'
import { NewLeaders } from './new-leaders.js'
import type { Participant } from './participant.js'
import { propose } from './propose.js'
import { type Entrant, Registry } from './registry.js'
import { release } from './release.js'
import { reopen } from './reopen.js'
import { resume } from './resume.js'
import type { Means, Service } from './service.js'
import { settle } from './settle.js'
import { Uses } from './uses.js'
import { watch } from './watch.js'
import { withdraw } from './withdraw.js'

/** Those that take the value somewhere: an app's own actor may have been given anything. */
const TAKING_VALUES: readonly Service[] = [campaign, propose, enqueue]

/** The statechart's services, for all nodes of a locker. */
export class Services {
  readonly store: Store
  readonly clock: Clock
  /** The statechart with these services in it. */
  readonly machine: ElectionMachine
  readonly failures = new Failures()
  readonly registry = new Registry()
  readonly #means: Means

  constructor(store: Store, clock: Clock, telemetry: Telemetry | null = null) {
    this.store = store
    this.clock = clock
    const { failures, registry } = this
    const sessions = new SessionPool(store, clock, telemetry)
    const claims = new Claims(store)
    this.#means = {
      store,
      clock,
      sessions,
      claims,
      failures,
      uses: new Uses(store),
      newLeaders: new NewLeaders(clock),
    }
    store.onReset?.(() => {
      claims.reset()
      // Each of them elects anew, whatever it is about.
      sessions.reset(() => registry.tellAll({ type: 'reset' }))
    })
    this.machine = electionMachine.provide({
      actors: {
        campaign: this.#service(campaign),
        clear: this.#service(clear),
        resume: this.#service(resume),
        watch: this.#service(watch),
        keepAlive: this.#service(keepAlive),
        reopen: this.#service(reopen),
        propose: this.#service(propose),
        withdraw: this.#service(withdraw),
        drain: this.#service(drain),
        list: this.#service(list),
        checkRenewals: this.#service(checkRenewals),
        handOver: this.#service(handOver),
        enqueue: this.#service(enqueue),
        release: this.#service(release),
        leave: this.#service(leave),
        settle: this.#service(settle),
      },
    })
  }

  /** Counts who uses the store, which is closed when nobody does. */
  get uses(): Uses {
    return this.#means.uses
  }

  async stopAll(): Promise<void> {
    await this.registry.stopAll()
  }

  /**
   * Nothing more can be done about it: its record goes with the lease, which is given up for all who
   * use it. They would keep it alive, and with it the record of a holder that is gone.
   */
  async abandon(participant: Participant): Promise<void> {
    const { sessions, uses } = this.#means
    const leaving = participant.leave(sessions)
    participant.session?.end()
    if (await leaving) uses.end()
  }

  /** Asks the store who competes for the participant’s path. */
  async competitors({
    path,
    ttl,
  }: Pick<Participant, 'path' | 'ttl'>): Promise<readonly Competitor[]> {
    const { store, uses } = this.#means
    return await competitorsFor(store, uses, path, ttl)
  }

  /** Asks the store what stands at the participant's path. */
  async read({ path, ttl }: Participant): Promise<Entry | null> {
    const { store, uses } = this.#means
    uses.begin()
    try {
      return (await store.read(path, { timeoutMs: timeoutMsFor(ttl) })).entry
    } finally {
      uses.end()
    }
  }

  #service(run: Service) {
    return fromCallback<ElectionEvent, ServiceInput>(
      ({ input, self: { _parent: actor }, sendBack }) => {
        if (actor === undefined)
          throw new Error('locked: a service was started outside of a machine')
        const entrant = this.registry.find(actor) ?? this.#enter(actor)
        const { participant } = entrant
        if (entrant.isApps && TAKING_VALUES.includes(run)) assertJson(input.value)
        if (run === campaign) this.registry.joined(actor)
        else if (!participant.isLive) {
          sendBack({ type: 'restored' })
          return undefined
        }
        const going = run(this.#means, { participant, input, send: sendBack })
        return going?.close.bind(going)
      },
    )
  }

  #enter(actor: ElectionActor): Entrant {
    const { machine, clock, registry } = this
    const abandon = (participant: Participant) => this.abandon(participant)
    return new AppActor({ machine, clock, registry, abandon }, actor).entrant
  }
}
