import type { Json } from '../../../machines/election.js'
import { type Locker, locked } from '../../locker.js'
import type { LockedNode } from '../../node.js'
import { MemoryStore } from '../../stores/memory.js'
import { checkHistory } from '../checker.js'
import type { HistoryEntry } from '../history.js'
import { Link } from '../link.js'
import type { Report } from '../report.js'
import { VirtualClock } from '../virtual-clock.js'
import { ProcessClock } from './process-clock.js'
import { randomFrom } from './random.js'
import type { Schedule, SimulatedNode, Step } from './schedule.js'

const PATH = '/simulated'
/** How often `isLeader` of all nodes is compared while time passes. */
const SAMPLE_MS = 50
/** After healing, a leader is promised within ttl + 3 s; before that a lease granted just now may have to expire. */
const HEALED_WITHIN_MS = 3_000

/** How a simulation ended. */
export interface Outcome {
  /** What broke a promise, in words; empty when nothing did. */
  readonly faults: readonly string[]
  readonly report: Report
}

interface Process {
  readonly clock: ProcessClock
  readonly link: Link
  readonly locker: Locker
}

interface Competitor {
  readonly name: string
  readonly settings: SimulatedNode
  readonly process: Process
  readonly node: LockedNode
  started: boolean
  dead: boolean
}

/**
 * Runs the real stack (node, services, statechart, memory store) through a schedule, then heals
 * everything, and judges what happened. The same schedule always has the same outcome.
 */
export async function simulate(schedule: Schedule): Promise<Outcome> {
  const { random } = Math
  // Backoffs have jitter; here it comes from the schedule, so that every run is repeatable.
  Math.random = randomFrom(schedule.seed)
  try {
    return await new Simulation(schedule).run()
  } finally {
    Math.random = random
  }
}

class Simulation {
  readonly #schedule: Schedule
  readonly #clock = new VirtualClock()
  readonly #store = new MemoryStore(this.#clock)
  readonly #processes = new Map<number, Process>()
  readonly #competitors: Competitor[] = []
  readonly #history: HistoryEntry[] = []
  readonly #faults: string[] = []
  readonly #fates: () => number
  #count = 0
  /** No message is lost any more. */
  #lossless = false
  /** Messages take no time, and none is lost. */
  #instant = false

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.#fates = randomFrom(schedule.seed + 1)
    schedule.nodes.forEach((settings, index) => {
      this.#competitors.push(this.#compete(settings, `n${index}`))
    })
  }

  async run(): Promise<Outcome> {
    for (const step of this.#schedule.steps) await this.#do(step)
    await this.#heal()
    const report = checkHistory(this.#history)
    const faults = [...this.#faults, ...report.faults.map(({ message }) => message)]
    return { faults, report }
  }

  async #do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'advance':
        return this.#advance(step.ms)
      case 'stall':
      case 'sleep':
        return this.#stall(this.#at(step.node), step.ms, step.kind === 'sleep')
      case 'jump':
        this.#at(step.node).process.clock.jump(step.ms)
        return
      case 'expire':
        return this.#depose(() => {
          const lease = this.#store.entries().get(PATH)?.lease ?? null
          if (lease !== null) this.#store.expire(lease)
        })
      case 'delete':
        return this.#depose(() => this.#store.delete(PATH))
      case 'junk':
        if (this.#store.entries().has(PATH)) {
          this.#write('operator', { kind: 'wrote', value: 'junk', id: null })
          this.#store.put(PATH, 'junk')
        }
        return
      default:
        this.#act(step.kind, step.node)
    }
  }

  /**
   * An operator takes the path from its holder. No library can keep the promise of one leader to an
   * operator who does so while the holder cannot hear of it; so here it does, at once.
   */
  async #depose(act: () => void): Promise<void> {
    this.#instant = true
    await this.#advance(this.#schedule.latencyMs)
    const leader = this.#competitors.find(({ node }) => node.isLeader)
    // Without a leader, one may be elected already and not know of it yet.
    if (leader?.process.link.hears && !leader.process.clock.isStalled) act()
    await this.#advance(0)
    this.#instant = false
  }

  #act(kind: Exclude<Step, { ms: number }>['kind'], index: number): void {
    const competitor = this.#at(index)
    const { node, process, name, settings } = competitor
    if (process.clock.isStalled) return
    if (kind === 'start') {
      competitor.started = true
      node.start().catch(() => undefined)
    } else if (kind === 'stop') {
      competitor.started = false
      this.#write(name, { kind: 'stop' })
      void node.stop()
    } else if (kind === 'propose') {
      this.#count += 1
      this.#write(name, { kind: 'propose', value: this.#count })
      node.propose(this.#count)
    } else if (kind === 'kill') {
      this.#kill(settings.process)
    } else if (kind === 'freeze') process.link.freeze()
    else if (kind === 'cut') process.link.cut()
    else if (kind === 'heal') process.link.heal()
  }

  /** Everything of one process is gone; it is restarted at once, and its nodes start again. */
  #kill(id: number): void {
    const process = this.#processes.get(id)
    if (process === undefined) return
    process.link.kill()
    this.#processes.delete(id)
    this.#competitors.forEach((competitor, index) => {
      if (competitor.settings.process !== id) return
      competitor.dead = true
      competitor.node.actor.stop()
      this.#write(competitor.name, { kind: 'exit' })
      const next = this.#compete(competitor.settings, `${competitor.name}'`)
      this.#competitors[index] = next
      if (!competitor.started) return
      next.started = true
      next.node.start().catch(() => undefined)
    })
  }

  async #stall({ process, settings }: Competitor, ms: number, slept: boolean): Promise<void> {
    const since = this.#clock.now()
    process.clock.stall()
    process.link.freeze()
    await this.#advance(ms)
    const write = (kind: 'stall' | 'awake') => {
      for (const { name, settings: other } of this.#competitors) {
        if (other.process === settings.process) this.#write(name, { kind, since })
      }
    }
    write('stall')
    process.clock.wake(slept ? ms : 0)
    process.link.heal()
    // A timer that is set on waking has run then, as in one turn of an event loop.
    process.clock.setTimeout(() => write('awake'), 0)
    await this.#advance(0)
  }

  /** Ends all faults. Whoever is started must find a leader, and stay with it. */
  async #heal(): Promise<void> {
    for (const { clock, link } of this.#processes.values()) {
      if (clock.isStalled) clock.wake()
      link.heal()
    }
    // Junk without a lease stands until somebody takes it away.
    if (this.#store.entries().get(PATH)?.lease === null) this.#store.delete(PATH)
    const longest = Math.max(...this.#schedule.nodes.map(({ ttl }) => ttl)) * 1_000
    const slowest = 2 * this.#schedule.latencyMs
    this.#lossless = true
    await this.#advance(longest * 1.02 + HEALED_WITHIN_MS + 10 * slowest)
    const started = this.#competitors.filter((competitor) => competitor.started)
    const leaders = started.filter(({ node }) => node.isLeader)
    if (started.length > 0 && leaders.length !== 1) {
      const states = started.map(({ name, node }) => `${name} ${node.state}`).join(', ')
      this.#faults.push(`after healing there are ${leaders.length} leaders: ${states}`)
    }
  }

  async #advance(ms: number): Promise<void> {
    const until = this.#clock.now() + ms
    while (this.#clock.now() < until) {
      await this.#clock.advance(Math.min(SAMPLE_MS, until - this.#clock.now()))
      this.#sample()
    }
    if (ms === 0) await this.#clock.advance(0)
  }

  #sample(): void {
    const leaders = this.#competitors.filter(
      ({ node, dead, process }) => !dead && !process.clock.isStalled && node.isLeader,
    )
    if (leaders.length < 2) return
    const names = leaders.map(({ name }) => name).join(' and ')
    this.#faults.push(`at ${this.#clock.now()} ms ${names} lead at once`)
  }

  #compete(settings: SimulatedNode, name: string): Competitor {
    const process = this.#process(settings)
    const node = process.locker(PATH, { id: name, value: name, ttl: settings.ttl })
    const competitor = { name, settings, process, node, started: false, dead: false }
    this.#write(name, { kind: 'start', id: name, value: name })
    const write = (entry: Detail) => {
      if (!competitor.dead) this.#write(name, entry)
    }
    node.on('select', (value) => {
      write({ kind: 'select', token: node.holder?.token ?? 0n, value, id: name })
      this.#sample()
    })
    node.on('deselect', (reason) => write({ kind: 'deselect', reason }))
    node.on('change', (value: Json, nodeid) => {
      const { revision } = node.actor.getSnapshot().context
      write({ kind: 'change', value, nodeid, token: node.holder?.token ?? null, revision })
    })
    return competitor
  }

  #process({ process: id, driftPermille }: SimulatedNode): Process {
    const known = this.#processes.get(id)
    if (known !== undefined) return known
    const clock = new ProcessClock(this.#clock, 1 + driftPermille / 1_000)
    const { latencyMs, lossPercent } = this.#schedule
    const link = new Link(this.#store, this.#clock, () => {
      if (this.#instant) return 0
      const isLost = !this.#lossless && this.#fates() * 100 < lossPercent
      return isLost ? 'lost' : this.#fates() * latencyMs
    })
    const process = { clock, link, locker: locked(link, { clock }) }
    this.#processes.set(id, process)
    return process
  }

  #at(index: number): Competitor {
    const competitor = this.#competitors[index % this.#competitors.length]
    if (competitor === undefined) throw new Error('simulate: a schedule has at least one node')
    return competitor
  }

  #write(node: string, detail: Detail): void {
    this.#history.push({ at: this.#clock.now(), path: PATH, node, process: node, ...detail })
  }
}

type Without<Entry, Keys extends string> = Entry extends unknown ? Omit<Entry, Keys> : never
type Detail = Without<HistoryEntry, 'at' | 'path' | 'node' | 'process'>
