import type { ElectionEvent, ServiceInput } from '../../machines/election.js'
import type { Clock } from '../clock.js'
import type { SessionPool } from '../sessions/session-pool.js'
import type { Store } from '../stores/store.js'
import type { Claims } from './claims.js'
import type { Failures } from './failures.js'
import type { NewLeaders } from './new-leaders.js'
import type { Participant } from './participant.js'
import type { Uses } from './uses.js'

/** What the services of a locker work with. */
export interface Means {
  readonly store: Store
  readonly clock: Clock
  readonly sessions: SessionPool
  readonly claims: Claims
  readonly failures: Failures
  readonly uses: Uses
  readonly newLeaders: NewLeaders
}

/** For whom a service was invoked, with what, and whom it tells. */
export interface Task {
  readonly participant: Participant
  readonly input: ServiceInput
  /** Told too late, after the state was left, XState passes on nothing. */
  readonly send: (event: ElectionEvent) => void
}

/** An actor of the statechart: makes one request, and sends what came of it. */
export type Service = (means: Means, task: Task) => Going | undefined

/** What a service has going on, until its state is left. */
export interface Going {
  close(): void
}
