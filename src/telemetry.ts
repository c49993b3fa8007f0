import type { ElectionActor, ElectionEmitted } from '../machines/election.js'
import type { Clock } from './clock.js'
import { contained } from './onlookers/contained.js'
import { containedMeter } from './onlookers/contained-meter.js'
import type {
  Attributes,
  Counter,
  Histogram,
  Meter,
  ObservableGauge,
  Observation,
} from './onlookers/meter.js'

/** What is measured of a node. */
export interface Measured {
  readonly actor: ElectionActor
  readonly isLeader: boolean
  readonly validityMs: number
}

interface Followed {
  readonly attributes: Attributes
  /** When it left the election, in milliseconds. */
  leftAt: number | null
}

/**
 * OpenTelemetry repeats what it was told last of a node that it hears no more of: a leader that has
 * left would be taken for one for ever. So it is told of it for as much longer, whoever collects.
 */
const FOLLOWED_ON_MS = 600_000

/**
 * What a locker tells an OpenTelemetry meter. Names and units follow OpenTelemetry's semantic
 * conventions: durations are in seconds, and what is counted stands in braces.
 */
export class Telemetry {
  readonly #clock: Clock
  readonly #elections: Counter
  readonly #electionDuration: Histogram
  readonly #vacancyDuration: Histogram
  readonly #renewals: Counter
  readonly #renewalDuration: Histogram
  readonly #failures: Counter
  readonly #leader: ObservableGauge
  readonly #validity: ObservableGauge
  /** Nodes that take part in an election, or did so until a while ago. */
  readonly #followed = new Map<Measured, Followed>()

  constructor(given: Meter, clock: Clock) {
    const meter = containedMeter(given)
    this.#clock = clock
    this.#elections = meter.createCounter('locked.elections', {
      description: 'Times that a node of this process was elected.',
      unit: '{election}',
    })
    this.#electionDuration = meter.createHistogram('locked.election.duration', {
      description: 'From when a node began to campaign until it was elected.',
      unit: 's',
    })
    this.#vacancyDuration = meter.createHistogram('locked.vacancy.duration', {
      description: 'From when a node saw the path become vacant until it saw a holder there.',
      unit: 's',
    })
    this.#renewals = meter.createCounter('locked.session.renewals', {
      description: 'Renewals of sessions that were answered.',
      unit: '{renewal}',
    })
    this.#renewalDuration = meter.createHistogram('locked.session.renewal.duration', {
      description: 'From when a renewal was sent until it was answered.',
      unit: 's',
    })
    this.#failures = meter.createCounter('locked.failures', {
      description: 'What nodes told as unreachable or error.',
      unit: '{failure}',
    })
    this.#leader = meter.createObservableGauge('locked.node.leader', {
      description: '1 while the node is leader, else 0.',
      unit: '1',
    })
    this.#validity = meter.createObservableGauge('locked.session.validity', {
      description: 'How much longer the node’s session may be relied on if it is not renewed.',
      unit: 's',
    })
  }

  /** Measures a node each time it takes part in an election, for as long as its actor runs. */
  follow(node: Measured): void {
    const { path, id } = node.actor.getSnapshot().context
    const attributes = { 'locked.path': path, 'locked.node.id': id }
    let campaignedAt: number | null = null
    let vacantAt: number | null = null

    node.actor.subscribe({
      next: (snapshot) => {
        if (!snapshot.matches('campaigning')) campaignedAt = null
        else if (campaignedAt === null) {
          campaignedAt = this.#clock.now()
          this.#begin(node, attributes)
        }
      },
      error: () => {
        this.#failures.add(1, { ...attributes, 'error.type': 'ActorError' })
        this.#leave(node)
      },
    })
    node.actor.on('*', (emitted: ElectionEmitted) => {
      switch (emitted.type) {
        case 'select':
          this.#elections.add(1, attributes)
          // A follower that is handed over to has not campaigned for it.
          if (campaignedAt !== null) this.#record(this.#electionDuration, campaignedAt, attributes)
          return
        case 'vacant':
          vacantAt = this.#clock.now()
          return
        case 'change':
          if (vacantAt !== null) this.#record(this.#vacancyDuration, vacantAt, attributes)
          vacantAt = null
          return
        case 'unreachable':
        case 'error':
          this.#failures.add(1, { ...attributes, 'error.type': emitted.error.name })
          return
        case 'released':
          vacantAt = null
          this.#leave(node)
      }
    })
  }

  /** A renewal of a session with this ttl, in seconds, was answered after `tookMs`. */
  renewed(ttl: number, tookMs: number): void {
    const attributes = { 'locked.session.ttl': ttl }
    this.#renewals.add(1, attributes)
    if (Number.isFinite(tookMs)) this.#renewalDuration.record(tookMs / 1_000, attributes)
  }

  #begin(node: Measured, attributes: Attributes): void {
    this.#forget()
    if (this.#followed.size === 0) {
      this.#leader.addCallback(this.#observeLeader)
      this.#validity.addCallback(this.#observeValidity)
    }
    this.#followed.set(node, { attributes, leftAt: null })
  }

  #leave(node: Measured): void {
    const followed = this.#followed.get(node)
    if (followed !== undefined) followed.leftAt = this.#clock.now()
  }

  /** With nobody to follow, the meter holds on to nothing of this. */
  #forget(): void {
    if (this.#followed.size === 0) return
    const before = this.#clock.now() - FOLLOWED_ON_MS
    for (const [node, { leftAt }] of this.#followed) {
      // Of one that left while no clock could tell when, no more is told.
      if (leftAt !== null && !(leftAt >= before)) this.#followed.delete(node)
    }
    if (this.#followed.size > 0) return
    this.#leader.removeCallback(this.#observeLeader)
    this.#validity.removeCallback(this.#observeValidity)
  }

  readonly #observeLeader = (observation: Observation): void => {
    this.#forget()
    for (const [node, { attributes }] of this.#followed) {
      contained('meter', () => observation.observe(node.isLeader ? 1 : 0, attributes))
    }
  }

  readonly #observeValidity = (observation: Observation): void => {
    this.#forget()
    for (const [node, { attributes }] of this.#followed) {
      contained('meter', () => observation.observe(node.validityMs / 1_000, attributes))
    }
  }

  #record(duration: Histogram, sinceMs: number, attributes: Attributes): void {
    const seconds = (this.#clock.now() - sinceMs) / 1_000
    // It may be that a clock could not tell the time.
    if (Number.isFinite(seconds)) duration.record(seconds, attributes)
  }
}
