import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../../verification/history/report.js'
import { Random } from '../../verification/random.js'
import type { Backup } from '../etcd/data.js'
import type { Member } from '../etcd/index.js'
import { createPeers, type Peers } from '../etcd/peers.js'
import { mayLeadRaft, raftLeaderOf } from '../etcd/raft.js'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor, CompetitorSettings } from './competitor.js'
import { now } from './now.js'
import { elections } from './on-clusters.js'
import { leaderWithinMs, Scene } from './scene.js'

export interface StormOptions {
  readonly seed: number
  /** For how long faults begin. Healing takes a little longer. */
  readonly lastsMs: number
  readonly ttl?: number
  /** Whose election is tried: ours, or the one of the etcd3 package. */
  readonly peer?: 'locked' | 'etcd3'
  readonly log?: (line: string) => void
}

export interface StormOutcome {
  readonly report: Report
  /** How many faults came of leases that etcd may have revoked by mistake. */
  readonly excused: number
  /** How often each fault was made. */
  readonly faults: Readonly<Record<string, number>>
  /** From the end of healing until there was a leader; null if there was none in time. */
  readonly leaderAfterMs: number | null
  /** How long processes had to wait for a processor meanwhile, in milliseconds. */
  readonly starvedMs: number
  /** Whether all said the same leader in the end. */
  readonly agreed: boolean
  /** What was done and told around the first fault; empty where there is none. */
  readonly around: string
}

interface Fault {
  readonly name: string
  /** Makes it, lets it last, and heals it. */
  run(lastsMs: number): Promise<void>
}

const NODES = ['a', 'b', 'c', 'd', 'e']
/**
 * A raft leader that stood still for longer than this part of a ttl may revoke leases that were renewed
 * meanwhile, which no client can help.
 */
const REVOKES_AFTER = 0.5
/** The same, counted from when the renewal before came to it: that was sent a little earlier. */
const EXPIRES_AFTER = 0.9
/** What comes of that: whoever had the lease still leads as another does, or tells late that it was elected. */
const BY_REVOKED_LEASES: ReadonlySet<string> = new Set([
  'two-selected',
  'two-sampled',
  'token-not-grown',
])
/** For how much of a ttl a raft leader is frozen, at most: less, by what a busy machine adds to it. */
const LONGEST_RAFT_FREEZE = 0.45
/** The part of the faults after which etcd comes to another history. */
const REPLACED_EVERY = 0.05
/** Nothing of the old history is left once etcd has been back for so long. */
const SETTLED_MS = 2_000

/** Three members, five nodes in five processes, and random faults; then healing. */
export async function runStorm({
  seed,
  lastsMs,
  ttl = 3,
  peer = 'locked',
  log = () => {},
}: StormOptions): Promise<StormOutcome> {
  const random = new Random(seed)
  const peers = createPeers()
  const scene = new Scene()
  scene.ttl = ttl
  try {
    await scene.startEtcd(3, {
      replaceable: true,
      advertisePeer: (target, host) => peers.advertise(target, host),
      // A raft leader can then be deposed within a small ttl.
      extraArgs: elections.quick,
    })
    const storm = new Storm(scene, peers, random, peer, log)
    await storm.begin()
    await storm.rage(lastsMs)
    const ending = await storm.heal()
    const found = await scene.end()
    const faults = found.faults.filter(
      ({ kind, at }) => !(BY_REVOKED_LEASES.has(kind) && storm.mayRevokeAt(at)),
    )
    const excused = found.faults.length - faults.length
    const around = faults[0] === undefined ? '' : scene.around(faults[0].at)
    const report = { ...found, faults }
    return { report, excused, faults: storm.counts, around, ...ending }
  } finally {
    await scene.end()
    await peers.stop()
    const folder = process.env.LOCKED_TEST_HISTORIES
    if (folder) scene.save(folder, `storm-${peer}-${seed}`)
  }
}

class Storm {
  readonly counts: Record<string, number> = {}
  readonly #scene: Scene
  readonly #peers: Peers
  readonly #random: Random
  readonly #program: NonNullable<CompetitorSettings['program']>
  readonly #log: (line: string) => void
  /** The running competitor of each node, by the node's id. */
  readonly #nodes = new Map<string, Competitor>()
  /** What a fault is being made of: one at a time for each. */
  readonly #busy = new Set<string>()
  readonly #revoking: { readonly since: number; readonly until: number }[] = []
  #memberIds: readonly string[] = []
  #backup: Backup | null = null
  #lives = 0
  #proposals = 0

  constructor(
    scene: Scene,
    peers: Peers,
    random: Random,
    peer: 'locked' | 'etcd3',
    log: (line: string) => void,
  ) {
    this.#scene = scene
    this.#peers = peers
    this.#random = random
    this.#program = peer === 'locked' ? 'competitor.mjs' : 'competitor-etcd3.mjs'
    this.#log = log
  }

  async begin(): Promise<void> {
    const { members } = await this.#scene.operator.cluster.memberList({})
    this.#memberIds = this.#scene.cluster.members.map(
      ({ name }) => members.find((member) => member.name === name)?.ID ?? '',
    )
    this.#backup = await this.#scene.cluster.data.save()
    await Promise.all(NODES.map((id) => this.#launch(id)))
  }

  /** Makes faults, some of them at the same time, until the time is over. */
  async rage(lastsMs: number): Promise<void> {
    const untilMs = now() + lastsMs
    const going = new Set<Promise<void>>()
    while (now() < untilMs) {
      const fault = this.#pick()
      const faultLastsMs = this.#random.between(100, 3 * this.#scene.ttl * 1_000)
      const pauseMs = this.#random.between(0, this.#scene.ttl * 1_000)
      if (this.#random.next() < REPLACED_EVERY) {
        await Promise.all(going)
        await this.#replaceHistory()
      }
      if (fault !== null) {
        this.counts[fault.name] = (this.counts[fault.name] ?? 0) + 1
        const one = fault.run(Math.min(faultLastsMs, Math.max(100, untilMs - now())))
        going.add(one)
        void one.then(
          () => going.delete(one),
          () => {},
        )
      }
      await sleep(Math.min(pauseMs, Math.max(0, untilMs - now())))
    }
    await Promise.all(going)
  }

  /**
   * Etcd loses its data, or is restored from a backup. Never beside another fault: whoever is cut off
   * or stands still when etcd is back cannot know of it, and leads on for as long as it is valid.
   */
  async #replaceHistory(): Promise<void> {
    const backup = this.#random.next() < 0.5 ? this.#backup : null
    const name = backup === null ? 'wipe' : 'restore'
    this.counts[name] = (this.counts[name] ?? 0) + 1
    this.#say(name)
    await this.#scene.replaceHistory((data) =>
      backup === null ? data.erase() : data.restore(backup),
    )
    this.#say(`${name}: done`)
    await sleep(SETTLED_MS)
    this.#backup = await this.#scene.cluster.data.save()
  }

  #say(what: string): void {
    this.#scene.note(what)
    this.#log(what)
  }

  /** Everything is whole again: how long until there is a leader whom all know. */
  async heal(): Promise<Omit<StormOutcome, 'report' | 'excused' | 'faults' | 'around'>> {
    const { ttl } = this.#scene
    const healedAt = now()
    const competitors = [...this.#nodes.values()]
    const leader = () => {
      const leaders = competitors.filter(({ leadership }) => leadership !== null)
      return leaders.length === 1 ? leaders[0] : undefined
    }
    const deadline = healedAt + leaderWithinMs(ttl) + PATIENCE_MS
    let ledAt: number | null = null
    let agreed = false
    while (now() < deadline && !agreed) {
      const one = leader()
      ledAt = one === undefined ? null : (ledAt ?? now())
      if (one !== undefined) {
        const states = await Promise.all(competitors.map((each) => each.call('state')))
        agreed = states.every(
          (state) => this.#program !== 'competitor.mjs' || holderOf(state) === one.settings.id,
        )
      }
      await sleep(20)
    }
    // And it stays like that.
    await sleep(2 * ttl * 1_000)
    return {
      leaderAfterMs: ledAt === null ? null : Math.max(0, ledAt - healedAt),
      starvedMs: ledAt === null ? 0 : this.#scene.starvedMs(healedAt, ledAt),
      agreed: agreed && leader() !== undefined,
    }
  }

  async #launch(id: string): Promise<void> {
    this.#lives += 1
    const competitor = await this.#scene.launch(`${id}${this.#lives}`, {
      id,
      value: `value of ${id} in life ${this.#lives}`,
      program: this.#program,
    })
    this.#nodes.set(id, competitor)
    competitor.start().catch(() => {})
  }

  /** A random fault of something that is whole; null if what was picked is not. */
  #pick(): Fault | null {
    const id = this.#random.pick(NODES)
    // Half of the time it is the leader that it happens to, if there is one.
    const leading = [...this.#nodes].find(([, { leadership }]) => leadership !== null)?.[0]
    const target = this.#random.next() < 0.5 ? (leading ?? id) : id
    const member = Math.floor(this.#random.next() * 3)
    const kind = this.#random.next()
    if (kind < 0.7) return this.#nodeFault(target)
    return kind < 0.8 ? this.#deposition(leading ?? id) : this.#memberFault(member)
  }

  /**
   * The raft leader is frozen, replaced and thawed, and the network of a node that renews by it
   * freezes at the first thing that it then hears.
   */
  #deposition(id: string): Fault | null {
    // The next renewal comes half a ttl after the last: it is to fall into the freeze.
    const waitShare = this.#random.between(0.52 - LONGEST_RAFT_FREEZE, 0.4)
    const node = this.#nodes.get(id)
    const { members, endpoints } = this.#scene.cluster
    if (node === undefined || this.#busy.has('peers')) return null
    if (members.some(({ name }) => this.#busy.has(name))) return null
    const ttlMs = this.#scene.ttl * 1_000
    return this.#exclusively('depose raft leader', id, async (lastsMs) => {
      const index = await raftLeaderOf(endpoints, 1_000).catch(() => -1)
      const member = members[index]
      const entrance = node.relays[index]
      if (member === undefined || entrance === undefined || this.#busy.has(member.name)) return
      this.#busy.add(member.name)
      try {
        for (const relay of node.relays) if (relay !== entrance) await relay.cut()
        const reachedAt = now()
        const renewed = await node.until('refresh', { after: reachedAt, timeoutMs: ttlMs })
        await sleep(waitShare * ttlMs)
        const pausedAt = now()
        await member.pause()
        const leastMs = (0.52 - waitShare) * ttlMs
        await sleep(Math.min(Math.max(lastsMs, leastMs), LONGEST_RAFT_FREEZE * ttlMs))
        entrance.freezeAfterAnswer()
        await member.resume()
        this.#stoodStill(member, pausedAt, renewed.at)
        await sleep(ttlMs)
      } catch (error) {
        // Whoever does not lead, or is dead, renews nothing.
        this.#say(`nobody was deposed: ${error}`)
      } finally {
        this.#busy.delete(member.name)
        await node.heal()
      }
    })
  }

  #nodeFault(id: string): Fault | null {
    const random = this.#random
    const name = random.pick([
      'freeze',
      'cut',
      'lose answers',
      'delay',
      'freeze one relay',
      'suspend',
      'block',
      'kill -9',
      'stop',
      'replace',
      'propose',
      ...(this.#program === 'competitor.mjs' ? ['transfer'] : []),
    ])
    const delayMs = random.between(20, 400)
    const relayIndex = Math.floor(random.next() * 3)
    const node = this.#nodes.get(id)
    if (node === undefined || this.#busy.has(id)) return null
    const faults: Readonly<Record<string, (lastsMs: number) => Promise<void>>> = {
      freeze: async (lastsMs) => {
        node.freeze()
        await sleep(lastsMs)
        await node.heal()
      },
      cut: async (lastsMs) => {
        await node.cut()
        await sleep(lastsMs)
        await node.heal()
      },
      'lose answers': async (lastsMs) => {
        node.dropAnswers()
        await sleep(lastsMs)
        await node.heal()
      },
      delay: async (lastsMs) => {
        node.delay(delayMs)
        await sleep(lastsMs)
        await node.heal()
      },
      'freeze one relay': async (lastsMs) => {
        node.relays[relayIndex]?.freeze()
        await sleep(lastsMs)
        await node.heal()
      },
      suspend: async (lastsMs) => {
        node.suspend()
        await sleep(lastsMs)
        await node.resume()
      },
      block: async (lastsMs) => {
        await node.call('block', { ms: lastsMs })
      },
      'kill -9': async (lastsMs) => {
        this.#nodes.delete(id)
        await node.end()
        await sleep(lastsMs)
        await this.#launch(id)
      },
      stop: async (lastsMs) => {
        await node.stop()
        await sleep(lastsMs)
        node.start().catch(() => {})
      },
      // As in a rolling update: the new process is there before the old one is stopped.
      replace: async () => {
        await this.#launch(id)
        await node.stop()
        await node.end()
      },
      // Whoever does not lead, or has no candidate, says so.
      transfer: async () => {
        await node.call('transfer', {}).catch(() => {})
      },
      propose: async () => {
        this.#proposals += 1
        await node.call('propose', { value: `proposal ${this.#proposals}` })
      },
    }
    return this.#exclusively(`${name} ${node.leadership === null ? 'node' : 'leader'}`, id, (ms) =>
      faults[name]?.(ms),
    )
  }

  /** Mostly a minority; now and then another member fails as well. */
  #memberFault(index: number): Fault | null {
    const name = this.#random.pick([
      'kill member',
      'pause member',
      'cut off vanish',
      'cut off reset',
    ])
    const member = this.#scene.cluster.members[index]
    const memberId = this.#memberIds[index]
    if (member === undefined || memberId === undefined || this.#busy.has(member.name)) return null
    const othersBusy = this.#scene.cluster.members.filter(({ name }) => this.#busy.has(name)).length
    if (othersBusy > 1) return null
    if (name.startsWith('cut off')) {
      return this.#exclusively(name, 'peers', async (lastsMs) => {
        this.#peers.cutOff(memberId, name === 'cut off vanish' ? 'vanish' : 'reset')
        await sleep(lastsMs)
        this.#peers.heal()
      })
    }
    return this.#exclusively(name, member.name, async (lastsMs) => {
      if (name === 'kill member') {
        await member.kill()
        await sleep(lastsMs)
        // It is healthy once there is a majority, for which another may have to come back first.
        await member.start()
      } else {
        const leads = await mayLeadRaft(member.endpoint)
        const pausedAt = now()
        await member.pause()
        const longestMs = this.#scene.ttl * 1_000 * LONGEST_RAFT_FREEZE
        await sleep(leads ? Math.min(lastsMs, longestMs) : lastsMs)
        await member.resume()
        if (leads) this.#stoodStill(member, pausedAt)
      }
    })
  }

  /** A raft leader did, since `pausedAt`; the last renewal that it answered came at `renewedAt`. */
  #stoodStill(member: Member, pausedAt: number, renewedAt = pausedAt): void {
    const at = now()
    const ttlMs = this.#scene.ttl * 1_000
    this.#say(`${member.name}, raft’s leader, stood still for ${Math.round(at - pausedAt)} ms`)
    const isShort = at - pausedAt < REVOKES_AFTER * ttlMs
    if (isShort && at - renewedAt < EXPIRES_AFTER * ttlMs) return
    // Whoever lost a lease by it knows no sooner than when its session ends.
    this.#revoking.push({ since: pausedAt, until: at + ttlMs })
  }

  /** Whether etcd may have revoked leases that were renewed, at that time. */
  mayRevokeAt(at: number): boolean {
    return this.#revoking.some(({ since, until }) => since <= at && at <= until)
  }

  #exclusively(
    name: string,
    what: string,
    run: (lastsMs: number) => Promise<void> | undefined,
  ): Fault | null {
    if (this.#busy.has(what)) return null
    return {
      name,
      run: async (lastsMs) => {
        this.#busy.add(what)
        this.#say(`${name} (${what}) for ${Math.round(lastsMs)} ms`)
        try {
          await run(lastsMs)
        } finally {
          this.#say(`${name} (${what}): over`)
          this.#busy.delete(what)
        }
      },
    }
  }
}

function holderOf(state: unknown): unknown {
  return typeof state === 'object' && state !== null && 'holder' in state ? state.holder : undefined
}
