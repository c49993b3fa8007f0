import type { DeselectReason, ElectionMachine, Failure, Json } from '../../machines/election.js'
import { locked } from '../../src/locker.js'
import type { Work } from '../../src/node-types.js'
import { candidateAt } from '../../src/stores/candidates.js'
import { confirmsRenewal } from '../../src/stores/etcd/renewal.js'
import { Link } from '../../src/stores/link.js'
import { type MemoryBackup, MemoryStore } from '../../src/stores/memory.js'
import type { Store } from '../../src/stores/store.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { checkHistory } from '../history/checker.js'
import type { Report } from '../history/report.js'
import { Random } from '../random.js'
import { Client, type ClientRules } from './client.js'
import {
  type Competitor,
  historyOf,
  type Player,
  type Process,
  type Working,
} from './competitor.js'
import { HandOver } from './hand-over.js'
import { Member, type Raft } from './member.js'
import { ProcessClock } from './process-clock.js'
import { type Detail, Recording } from './recording.js'
import { Reigns } from './reigns.js'
import { RestoredActor } from './restored-actor.js'
import type { NodeStep, OperatorStep, Schedule, SimulatedNode, Step } from './schedule.js'
import { StopOfAll } from './stop-of-all.js'

/** How often it was seen through what is promised where nothing is wrong. */
export interface Seen {
  /** A leader that was told to stop or to transfer handed over. */
  readonly handOvers: number
  /** All nodes stopped at once. */
  readonly stopsOfAll: number
}

/** How a simulation ended. */
export interface Outcome {
  /** What broke a promise, in words; empty when nothing did. */
  readonly faults: readonly string[]
  readonly report: Report
  readonly seen: Seen
}

const PATH = '/simulated'
/** How often `isLeader` of all nodes is compared while time passes. */
const SAMPLE_MS = 50
/** Within how long a watch that has lost something goes on, once the network does. */
const HEARD_WITHIN_MS = 1_500
/** After healing, a leader is promised within ttl + 3 s; before that a lease granted just now may have to expire. */
const HEALED_WITHIN_MS = 3_000
/** Once healed, a message takes no longer: a session of 2 s is renewed by two questions in 0.8 s. */
const HEALED_LATENCY_MS = 100
/** No revision of a history that is left comes again. */
const BUMP = 1_000_000
const FIRST_TERM = 2
/** After so long without a fault, in milliseconds, nothing of it is left but what shows. */
const CALM_AFTER_MS = 3_000
/** The longest time that a message may take, in milliseconds, where a leader has to find out who waits. */
const QUICK_MS = 50
/** These disturb nothing that is promised of a leader that stops. */
const HARMLESS: readonly Step['kind'][] = ['advance', 'start', 'propose', 'backup']
/** Why a leader ends that waits for its work first. */
const WAITING_REASONS: readonly DeselectReason[] = ['stopped', 'transferred', 'failed']

/** What may be wrong in a process, for tests that see it noticed. */
export interface Parts extends ClientRules {
  /** What an actor that is restored runs, given its locker's machine. */
  readonly machineOf: (machine: ElectionMachine) => ElectionMachine
  /** Whether that player leads, as those see it who rely on it. */
  readonly leads: (player: Player) => boolean
  /** What is done to the store by the requests of a process. */
  readonly storeOf: (store: MemoryStore) => Store
  /** What a node is given to do while it leads, which has to be waited for. */
  readonly workOf: (work: Work) => Work
  /** Stops a player. */
  readonly stop: (player: Player) => void
}

const RIGHT: Parts = {
  confirmsRenewal,
  tellsResets: true,
  machineOf: (machine) => machine,
  leads: (player) => player.isLeader,
  storeOf: (store) => store,
  workOf: (work) => work,
  stop: (player) => void player.stop(),
}

/** One run of one schedule. */
export class Simulation {
  readonly #schedule: Schedule
  readonly #parts: Parts
  readonly #clock = new VirtualClock()
  readonly #store = new MemoryStore(this.#clock)
  readonly #raft: Raft = { term: FIRST_TERM }
  readonly #processes = new Map<number, Process>()
  readonly #competitors: Competitor[] = []
  readonly #recording = new Recording()
  readonly #faults: string[] = []
  readonly #fates: Random
  readonly #reigns: Reigns
  /** What is promised now, if it is. */
  #handOver: HandOver | null = null
  #stopOfAll: StopOfAll | null = null
  #seen: Seen = { handOvers: 0, stopsOfAll: 0 }
  /** When the latest fault was over, or will be. */
  #faultyUntil = 0
  #backup: MemoryBackup | null = null
  /** How many histories the store has had before this one. */
  #history = 0
  #count = 0
  #healed = false
  /** Messages take no time, and none is lost. */
  #instant = false

  constructor(schedule: Schedule, wrong: Partial<Parts>) {
    this.#schedule = schedule
    this.#parts = { ...RIGHT, ...wrong }
    this.#fates = new Random(schedule.seed + 1)
    this.#reigns = new Reigns(this.#store, PATH, {
      began: (holder) => {
        this.#handOver?.began(holder, this.#clock.now())
        this.#stopOfAll?.began()
      },
      vacated: () => this.#handOver?.vacated(),
    })
    schedule.nodes.forEach((settings, index) => {
      this.#competitors.push(this.#compete(settings, `n${index}`))
    })
  }

  async run(): Promise<Outcome> {
    for (const step of this.#schedule.steps) await this.#do(step)
    await this.#heal()
    const report = checkHistory(this.#recording.entries)
    const faults = [...this.#faults, ...report.faults.map(({ message }) => message)]
    return { faults, report, seen: this.#seen }
  }

  async #do(step: Step): Promise<void> {
    this.#expectLess(step)
    switch (step.kind) {
      case 'advance':
        return this.#advance(step.ms)
      case 'stall':
      case 'sleep':
        return this.#stall(this.#at(step.node), step.ms, step.kind === 'sleep')
      case 'jump':
        this.#at(step.node).process.clock.jump(step.ms)
        return
      case 'depose':
        this.#depose(this.#at(step.node).process, step)
        return
      case 'transfer':
        this.#transfer(step.to)
        return
      case 'stopAll':
        this.#stopAll(step.again)
        return
      default:
        if ('node' in step) this.#act(step.kind, step.node)
        else await this.#operate(step.kind)
    }
  }

  /** What was promised before that step may be so no longer. */
  #expectLess({ kind }: Step): void {
    if (kind !== 'advance') this.#stopOfAll?.end()
    if (HARMLESS.includes(kind)) {
      if (kind === 'propose') this.#handOver?.proposed()
      return
    }
    this.#handOver?.end()
    if (kind === 'stop' || kind === 'transfer' || kind === 'stopAll') return
    this.#faultyUntil = Math.max(this.#faultyUntil, this.#clock.now())
  }

  #transfer(to: number | null): void {
    const leader = this.#competitors.find(({ player }) => player.isLeader)
    if (leader === undefined || leader.process.clock.isStalled) return
    const named = to === null ? null : this.#at(to).id
    const handOver = this.#expectHandOver(leader, 'transfers', named)
    leader.player.transfer(named ?? undefined).catch((error: Error) => handOver?.rejected(error))
  }

  #stopAll(again: readonly number[]): void {
    const started = this.#competitors.filter((competitor) => competitor.started)
    const leader = started.find(({ player }) => player.isLeader)
    const waiting = started.filter((competitor) => this.#waits(competitor)).length
    const areSettled = leader !== undefined && waiting === started.length - 1
    for (const competitor of this.#competitors) this.#stop(competitor)
    const restarted = new Set(again.map((index) => this.#at(index)))
    for (const competitor of restarted) this.#start(competitor)
    if (!this.#isCalm || !areSettled) return
    const halt = { at: this.#clock.now(), waiting, goesOn: restarted.size > 0 }
    const { stopsOfAll } = this.#seen
    this.#stopOfAll = new StopOfAll(halt, {
      fault: (what) => this.#fault(what),
      kept: () => {
        this.#seen = { ...this.#seen, stopsOfAll: stopsOfAll + 1 }
      },
    })
  }

  #stop(competitor: Competitor): void {
    const { player } = competitor
    competitor.started = false
    this.#write(competitor, { kind: 'stop' })
    this.#parts.stop(player)
  }

  /** It is promised if nothing is wrong, and somebody waits who is meant. */
  #expectHandOver(
    leader: Competitor,
    how: 'stops' | 'transfers',
    to: string | null,
  ): HandOver | null {
    const { token } = this.#reigns
    const others = this.#competitors.filter((one) => one !== leader && this.#waits(one))
    const isPossible = others.some(({ id }) => to === null || id === to)
    if (!this.#isCalm || token === null || token !== tokenOf(leader.player) || !isPossible) {
      return null
    }
    const planned = { leader, how, to, token, at: this.#clock.now() }
    const { handOvers } = this.#seen
    this.#handOver = new HandOver(planned, {
      fault: (what) => this.#fault(what),
      kept: () => {
        this.#seen = { ...this.#seen, handOvers: handOvers + 1 }
      },
    })
    return this.#handOver
  }

  /** Whether messages are quick, none is lost, and nothing has been wrong for a while. */
  get #isCalm(): boolean {
    const { lossPercent, latencyMs } = this.#schedule
    return (
      lossPercent === 0 &&
      latencyMs <= QUICK_MS &&
      this.#clock.now() >= this.#faultyUntil + CALM_AFTER_MS &&
      this.#competitors.every(
        ({ process }) => hears(process) && historyOf(process) === this.#history,
      )
    )
  }

  /** Whether it follows, and stands beside the path under the session that it has. */
  #waits({ player, process, started, dead }: Competitor): boolean {
    const snapshot = player.actor.getSnapshot()
    const { instance, leases } = snapshot.context
    const lease = this.#store.entries().get(candidateAt(PATH, instance))?.lease ?? null
    const isFollowing = isActive(player) && snapshot.matches({ follower: 'following' })
    return started && !dead && isFollowing && process.client.isOwn(lease) && lease === leases[0]
  }

  #depose(
    { member, link, clock }: Process,
    { ms, how, silentMs }: Extract<Step, { kind: 'depose' }>,
  ): void {
    member.depose(how, this.#store.leases())
    const lastsMs = ms + silentMs + 3 * this.#schedule.latencyMs
    this.#faultyUntil = Math.max(this.#faultyUntil, this.#clock.now() + lastsMs)
    const recover = () => {
      member.recover()
      // What it answers now still arrives, and so does the answer to the question that follows it.
      if (silentMs > 0) this.#clock.setTimeout(silence, 3 * this.#schedule.latencyMs)
    }
    const silence = () => {
      if (this.#healed || clock.isStalled) return
      link.freeze()
      this.#clock.setTimeout(() => clock.isStalled || link.heal(), silentMs)
    }
    this.#clock.setTimeout(recover, ms)
  }

  async #operate(kind: OperatorStep): Promise<void> {
    switch (kind) {
      case 'expire':
        return this.#takeAway(() => {
          const lease = this.#store.entries().get(PATH)?.lease ?? null
          if (lease !== null) this.#store.expire(lease)
        })
      case 'delete':
        return this.#takeAway(() => this.#store.delete(PATH))
      case 'junk':
        if (this.#store.entries().has(PATH)) {
          this.#record('operator', this.#history, { kind: 'wrote', value: 'junk', id: null })
          this.#store.put(PATH, 'junk')
        }
        return
      case 'backup':
        this.#backup = this.#store.backup()
        return
      case 'lose':
        return this.#replaceHistory(() => this.#store.restore())
      case 'restore':
      case 'restoreBumped': {
        const backup = this.#backup
        const bumpRevision = kind === 'restore' ? 0 : BUMP * (this.#history + 1)
        if (backup !== null)
          this.#replaceHistory(() => this.#store.restore(backup, { bumpRevision }))
      }
    }
  }

  /** All members begin anew, and with them raft. */
  #replaceHistory(replace: () => void): void {
    this.#history += 1
    for (const { working } of this.#competitors) if (working !== null) working.waitedFor = null
    this.#raft.term = FIRST_TERM
    replace()
    for (const { member } of this.#processes.values()) member.recover()
  }

  /**
   * An operator takes the path from its holder. No library can keep the promise of one leader to an
   * operator who does so while the holder cannot hear of it; so here it does, at once.
   */
  async #takeAway(act: () => void): Promise<void> {
    this.#instant = true
    await this.#advance(this.#schedule.latencyMs)
    const leader = this.#competitors.find(({ player }) => player.isLeader)
    // Without a leader, one may be elected already and not know of it yet.
    if (leader !== undefined && hears(leader.process)) {
      // Whoever led before has lost the path as well, and with it the time for its work.
      for (const { working } of this.#competitors) if (working !== null) working.waitedFor = null
      act()
    }
    await this.#advance(0)
    this.#instant = false
  }

  #act(kind: NodeStep, index: number): void {
    const competitor = this.#at(index)
    const { player, process, name, settings } = competitor
    if (process.clock.isStalled) return
    switch (kind) {
      case 'start':
        this.#start(competitor)
        return
      case 'stop':
        if (player.isLeader) this.#expectHandOver(competitor, 'stops', null)
        this.#stop(competitor)
        return
      case 'propose':
        this.#count += 1
        this.#write(competitor, { kind: 'propose', value: this.#count })
        player.propose(this.#count)
        return
      case 'crash':
        // One that is being started again after a crash has no actor that could.
        if (!isActive(player)) return
        competitor.started = false
        crash(player, name)
        return
      case 'kill':
        this.#kill(settings.process)
        return
      case 'revive':
        this.#kill(settings.process, competitor)
        return
      case 'freeze':
      case 'cut':
      case 'heal':
        process.link[kind]()
    }
  }

  #start(competitor: Competitor): void {
    const { player } = competitor
    // An app makes another actor; here there is none to take its place.
    if (player instanceof RestoredActor && !isActive(player)) return
    competitor.started = true
    Promise.resolve(player.start()).catch(() => undefined)
  }

  /**
   * Everything of one process is gone; it is restarted at once, and its nodes start again. The one
   * that is `revived` goes on as an actor that is restored from a snapshot.
   */
  #kill(id: number, revived?: Competitor): void {
    const process = this.#processes.get(id)
    if (process === undefined) return
    process.link.kill()
    this.#processes.delete(id)
    this.#competitors.forEach((competitor, index) => {
      const { settings, player, started, name } = competitor
      if (settings.process !== id) return
      const persisted = competitor === revived && isActive(player) ? persist(player) : null
      competitor.dead = true
      player.actor.stop()
      this.#write(competitor, { kind: 'exit' })
      const next =
        persisted === null
          ? this.#compete(settings, `${name}'`)
          : this.#revive(settings, `${name}'`, persisted)
      this.#competitors[index] = next
      if (persisted !== null) next.started = started
      else if (started) this.#start(next)
    })
  }

  async #stall({ process, settings }: Competitor, ms: number, slept: boolean): Promise<void> {
    const since = this.#clock.now()
    process.clock.stall()
    process.link.freeze()
    await this.#advance(ms)
    this.#faultyUntil = Math.max(this.#faultyUntil, this.#clock.now())
    const write = (kind: 'stall' | 'awake') => {
      for (const competitor of this.#competitors) {
        if (competitor.settings.process === settings.process)
          this.#write(competitor, { kind, since })
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
    for (const { clock, link, member } of this.#processes.values()) {
      if (clock.isStalled) clock.wake()
      member.recover()
      link.heal()
    }
    this.#handOver?.end()
    this.#stopOfAll?.end()
    const longest = Math.max(...this.#schedule.nodes.map(({ ttl }) => ttl)) * 1_000
    const slowest = 2 * this.#schedule.latencyMs
    this.#healed = true
    // Junk without a lease stands until somebody takes it away. Whoever led must have heard of it by
    // then: that an operator takes the path from a leader who cannot hear is the exception.
    if (this.#store.entries().get(PATH)?.lease === null) {
      await this.#advance(HEARD_WITHIN_MS + 2 * slowest)
      this.#store.delete(PATH)
    }
    await this.#advance(longest * 1.02 + HEALED_WITHIN_MS + 10 * slowest)
    const started = this.#competitors.filter((competitor) => competitor.started)
    const leaders = started.filter(({ player }) => player.isLeader)
    if (started.length > 0 && leaders.length !== 1) {
      const states = started.map(({ name, player }) => `${name} ${player.state}`).join(', ')
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

  /**
   * A leader of a history that was replaced may lead beside one of the new until its link has brought
   * it an answer of that, and no longer.
   */
  #sample(): void {
    const now = this.#clock.now()
    this.#handOver?.look(now, (competitor) => this.#waits(competitor))
    this.#stopOfAll?.look(now, this.#store.entries().size)
    const leaders = this.#competitors.filter(
      ({ player, dead, process }) => !dead && !process.clock.isStalled && this.#parts.leads(player),
    )
    for (const { name, player, process, ledIn } of leaders) {
      const history = historyOf(process)
      if (ledIn !== history) this.#fault(`${name} leads in history ${history}, elected in ${ledIn}`)
      const { holder } = player.actor.getSnapshot().context
      if (process.client.isOwn(holder?.session ?? null)) continue
      this.#fault(`${name} leads without a session of its own`)
    }
    const histories = new Set(leaders.map(({ process }) => historyOf(process)))
    for (const history of histories) {
      const names = leaders.filter(({ process }) => historyOf(process) === history)
      if (names.length < 2) continue
      this.#fault(`${names.map(({ name }) => name).join(' and ')} lead at once`)
    }
  }

  #fault(what: string): void {
    this.#faults.push(`at ${this.#clock.now()} ms ${what}`)
  }

  #compete(settings: SimulatedNode, name: string): Competitor {
    const process = this.#process(settings)
    const node = process.locker(PATH, { id: name, value: name, ttl: settings.ttl })
    node.on('error', () => undefined)
    const competitor = this.#follow(settings, name, process, node, { id: name, value: name })
    node.lead(this.#parts.workOf(workOf(competitor)))
    return competitor
  }

  /** It may have led: what it knew of a session is of a process that is gone. */
  #revive(settings: SimulatedNode, name: string, persisted: string): Competitor {
    const process = this.#process(settings)
    const machine = this.#parts.machineOf(process.locker.machine)
    const actor = new RestoredActor(machine, process.clock, persisted)
    const { id, value } = actor.actor.getSnapshot().context
    const competitor = this.#follow(settings, name, process, actor, { id, value })
    actor.resume()
    return competitor
  }

  #follow(
    settings: SimulatedNode,
    name: string,
    process: Process,
    player: Player,
    { id, value: own }: { readonly id: string; readonly value: Json },
  ): Competitor {
    const competitor: Competitor = {
      name,
      id,
      settings,
      process,
      player,
      started: false,
      dead: false,
      ledIn: null,
      working: null,
    }
    this.#write(competitor, { kind: 'start', id, value: own })
    player.on('select', (value) => {
      if (competitor.dead) return
      competitor.ledIn = historyOf(process)
      this.#write(competitor, { kind: 'select', token: tokenOf(player) ?? 0, value, id })
      this.#stopOfAll?.elected(name)
      this.#checkWork(competitor)
      this.#sample()
    })
    player.on('deselect', (reason) => {
      const { ledIn, dead } = competitor
      // One that is restored as leader was not elected in this life.
      if (dead || ledIn === null) return
      competitor.ledIn = null
      if (competitor.working !== null && WAITING_REASONS.includes(reason)) {
        const until = process.clock.now() + player.validityMs
        competitor.working.waitedFor = { until, history: ledIn }
      }
      this.#record(name, ledIn, { kind: 'deselect', reason })
    })
    player.on('change', (value, nodeid) => {
      if (competitor.dead) return
      const { revision } = player.actor.getSnapshot().context
      this.#write(competitor, { kind: 'change', value, nodeid, token: tokenOf(player), revision })
    })
    return competitor
  }

  /** What a leader has begun ends before another one leads, if it has stopped of its own accord. */
  #checkWork({ name: elected, ledIn }: Competitor): void {
    for (const { name, player, process, working, dead } of this.#competitors) {
      const waitedFor = working?.waitedFor ?? null
      if (dead || waitedFor === null || waitedFor.history !== ledIn) continue
      // The time of a process that stood still is over by the clock that went on.
      const isOver = process.clock.now() >= waitedFor.until || player.validityMs <= 0
      if (!isOver) this.#fault(`${elected} is elected while ${name} still works`)
    }
  }

  #process({ process: id, driftPermille }: SimulatedNode): Process {
    const known = this.#processes.get(id)
    if (known !== undefined) return known
    const clock = new ProcessClock(this.#clock, 1 + driftPermille / 1_000)
    const { latencyMs, lossPercent } = this.#schedule
    const link = new Link(this.#store, this.#clock, () => {
      if (this.#instant) return 0
      if (this.#healed) return this.#fates.next() * Math.min(latencyMs, HEALED_LATENCY_MS)
      return this.#fates.next() * 100 < lossPercent ? 'lost' : this.#fates.next() * latencyMs
    })
    const member = new Member(this.#store, this.#raft, this.#clock)
    const client = new Client(
      this.#parts.storeOf(this.#store),
      member,
      link,
      this.#clock,
      this.#parts,
    )
    const locker = locked(client, { clock })
    const process = { clock, link, member, client, locker, bornIn: this.#history }
    this.#processes.set(id, process)
    return process
  }

  #at(index: number): Competitor {
    const competitor = this.#competitors[index % this.#competitors.length]
    if (competitor === undefined) throw new Error('simulate: a schedule has at least one node')
    return competitor
  }

  #write({ name, process }: Competitor, detail: Detail): void {
    this.#record(name, historyOf(process), detail)
  }

  #record(node: string, history: number, detail: Detail): void {
    this.#recording.write(this.#clock.now(), history, node, detail)
  }
}

/** Whether it learns at once of what happens at the store. */
function hears({ link, member, clock }: Process): boolean {
  return link.hears && !member.isCutOff && !clock.isStalled
}

function isActive({ actor }: Player): boolean {
  return actor.getSnapshot().status === 'active'
}

/** Work that goes on for a while when its node leads no more. */
function workOf(competitor: Competitor): Work {
  const { process, settings } = competitor
  return ({ signal }) => {
    const working: Working = { waitedFor: null }
    competitor.working = working
    return new Promise<void>((resolve) => {
      const end = () => {
        if (competitor.working === working) competitor.working = null
        resolve()
      }
      signal.addEventListener('abort', () => {
        if (settings.workMs === 0) end()
        else process.clock.setTimeout(end, settings.workMs)
      })
    })
  }
}

function persist({ actor }: Player): string {
  return JSON.stringify(actor.getPersistedSnapshot())
}

function tokenOf({ actor }: Player): number | null {
  return actor.getSnapshot().context.holder?.token ?? null
}

/** Throws inside the actor, whatever it is doing. */
function crash({ actor }: Player, name: string): void {
  actor.send({
    type: 'retrying',
    attempt: 1,
    get error(): Failure {
      throw new Error(`${name} is made to crash`)
    },
  })
}
