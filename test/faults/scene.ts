import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { test as base, expect } from 'vitest'
import { checkHistory } from '../../verification/history/checker.js'
import { formatEntry, type HistoryEntry } from '../../verification/history/history.js'
import { ProcessLives } from '../../verification/history/leadership.js'
import { formatReport, type Report } from '../../verification/history/report.js'
import type { ClusterData } from '../etcd/data.js'
import { type Cluster, type EtcdOptions, startCluster } from '../etcd/index.js'
import { Starvation } from '../load/starvation.js'
import { PATIENCE_MS } from '../patience.js'
import { bigintAsText, Competitor, type CompetitorSettings, type Told } from './competitor.js'
import { client, type Hand, V2Hand, V3Hand } from './hand.js'
import { now } from './now.js'
import { leastValidityMs } from './validity.js'

/** Within how many milliseconds there is a leader once etcd can be reached: ttl + 3 s. */
export function leaderWithinMs(ttl: number): number {
  return ttl * 1_000 + 3_000
}

export interface Elected {
  readonly leader: Competitor
  /** When it was selected. */
  readonly at: number
  /** Its `select`. */
  readonly told: Told
}

/** When the store's history was replaced: etcd was killed, and accepted connections again. */
export interface Replaced {
  readonly since: number
  /** When no member had been started again yet: until then nobody was elected in the new history. */
  readonly until: number
  readonly at: number
}

type JoinOptions = Partial<Omit<CompetitorSettings, 'name'>> & {
  /** Where it reaches the cluster, instead of at its members. */
  readonly by?: readonly string[]
}

/** A cluster, competitors in processes of their own, and the history of what they do. */
export class Scene {
  /** All that ever joined. */
  readonly competitors: Competitor[] = []
  ttl = 2
  path = '/scene'
  /** Where competitors reach the cluster, where that is not at its members. */
  by: readonly string[] | null = null
  #cluster: Cluster | null = null
  #operator: Etcd3 | null = null
  #hand: Hand | null = null
  readonly #writes: HistoryEntry[] = []
  readonly #noted: { readonly at: number; readonly what: string }[] = []
  readonly #starvation = new Starvation()

  get cluster(): Cluster {
    if (this.#cluster === null) throw new Error('scene: call startEtcd first')
    return this.#cluster
  }

  async startEtcd(size: 1 | 3 = 1, options?: EtcdOptions): Promise<Cluster> {
    this.#cluster = await startCluster(size, {
      ...options,
      ...(client === 'etcdjs' && { enableV2: true }),
    })
    return this.#cluster
  }

  /** A client that reaches the cluster whatever the competitors’ relays do. */
  get operator(): Etcd3 {
    this.#operator ??= new Etcd3({
      hosts: this.cluster.endpoints.map((endpoint) => `http://${endpoint}`),
    })
    return this.#operator
  }

  /** An operator of the API that the competitors use. */
  get hand(): Hand {
    this.#hand ??=
      client === 'etcdjs' ? new V2Hand(this.cluster.endpoints[0] ?? '') : new V3Hand(this.operator)
    return this.#hand
  }

  /** Launches a competitor, which is not started. */
  async launch(name: string, { by, ...options }: JoinOptions = {}): Promise<Competitor> {
    const { path, ttl } = this
    const settings = {
      path,
      ttl,
      id: name,
      value: `value of ${name}`,
      client,
      // Shows what the election of the etcd3 package does under the same faults.
      program: process.env.LOCKED_TEST_PEER === 'etcd3' ? 'competitor-etcd3.mjs' : 'competitor.mjs',
      ...options,
      name,
    } as const
    const competitor = await Competitor.launch(settings, by ?? this.by ?? this.cluster.endpoints)
    this.competitors.push(competitor)
    return competitor
  }

  /** Launches and starts one competitor after the other: the first becomes leader. */
  async join(...names: readonly string[]): Promise<readonly Competitor[]> {
    const joined = await Promise.all(names.map((name) => this.launch(name)))
    for (const competitor of joined) await competitor.start()
    return joined
  }

  /** A leader and its followers. */
  async lead(...names: readonly string[]): Promise<readonly [Competitor, ...Competitor[]]> {
    const [leader, ...others] = await this.join(...names)
    if (leader === undefined) throw new Error('scene: name somebody')
    await leader.until('select', { timeoutMs: PATIENCE_MS })
    return [leader, ...others]
  }

  /** The first leadership after a time, of any competitor or of one of these. */
  async elected({
    after,
    among = this.competitors,
  }: {
    readonly after: number
    readonly among?: readonly Competitor[]
  }): Promise<Elected> {
    const found = await Promise.any(
      among
        .filter(({ isRunning }) => isRunning)
        .map(async (leader) => {
          const told = await leader.until('select', { after, timeoutMs: PATIENCE_MS })
          return { leader, at: told.at, told }
        }),
    )
    // Another’s may have been told later and be earlier.
    const earliest = among
      .flatMap((leader) =>
        leader.all('select', after).map((told) => ({ leader, at: told.at, told })),
      )
      .sort((a, b) => a.at - b.at)
    return earliest[0] ?? found
  }

  /** Resolves once exactly one competitor leads, with it and when it was selected. */
  async led(): Promise<Elected> {
    const find = () => {
      const leaders = this.competitors.filter(({ leadership }) => leadership !== null)
      const [leader] = leaders
      if (leaders.length !== 1 || !leader?.leadership) return null
      return { leader, at: leader.leadership.at, told: leader.leadership }
    }
    const running = this.competitors.filter(({ isRunning }) => isRunning)
    return await Promise.any(
      running.map(async (competitor) => {
        await competitor.untilTrue(() => find() !== null, 'leader', PATIENCE_MS)
        const found = find()
        if (found === null) throw new Error('no leader')
        return found
      }),
    )
  }

  /** Says in the history that an operator is about to write this. Junk has no id. */
  wrote(value: unknown, id: string | null): void {
    this.#writes.push({ ...this.#byOperator(now()), kind: 'wrote', value, id })
  }

  /**
   * Kills all members, does something to their data, and starts them again. `unseen` is done to etcd
   * before competitors reach it. Resolves with when it accepted their connections again.
   */
  async replaceHistory(
    replace: (data: ClusterData) => Promise<void>,
    { unseen = async () => {} }: { readonly unseen?: () => Promise<void> } = {},
  ): Promise<Replaced> {
    const { members, data } = this.cluster
    const since = now()
    await Promise.all(members.map((member) => member.kill()))
    await replace(data)
    const until = now()
    await Promise.all(members.map((member) => member.start()))
    await unseen()
    const at = now()
    this.#writes.push({ ...this.#byOperator(at), kind: 'replaced', since })
    return { since, until, at }
  }

  #byOperator(at: number) {
    return { at, path: this.path, node: 'operator', process: 'operator' } as const
  }

  history(): readonly HistoryEntry[] {
    return [...this.competitors.flatMap((competitor) => competitor.history()), ...this.#writes]
  }

  /** Says what is done to the cluster or to its competitors, for `around`. */
  note(what: string): void {
    this.#noted.push({ at: now(), what })
  }

  /** All that was done, told and written in the seconds before and after that time, in order. */
  around(at: number, { beforeMs = 10_000, afterMs = 1_000 } = {}): string {
    const told = this.competitors.flatMap((competitor) =>
      competitor.told.map((told) => ({
        at: told.at,
        what: `${competitor.name}: ${JSON.stringify(told, bigintAsText)}`,
      })),
    )
    const written = this.#writes.map((entry) => ({ at: entry.at, what: formatEntry(entry).trim() }))
    return [...told, ...written, ...this.#noted]
      .filter((each) => at - beforeMs < each.at && each.at < at + afterMs)
      .sort((a, b) => a.at - b.at)
      .map((each) => `  ${(each.at - at).toFixed(1)} ms ${each.what}`)
      .join('\n')
  }

  /** How long the processes had to wait for a processor between these times, in milliseconds. */
  starvedMs(from: number, to: number): number {
    return this.#starvation.between(from, to)
  }

  /** Asserts that `at` is no later than promised, counted from `from`. */
  expectInTime(at: number, from: number, promisedMs: number): void {
    // Whoever led all the time is in time.
    const tookMs = Math.max(0, at - from)
    const netMs = tookMs - this.starvedMs(from, from + tookMs)
    expect(netMs, `promised within ${promisedMs} ms; it took ${tookMs} ms`).toBeLessThan(promisedMs)
  }

  /**
   * Asserts that a competitor told this before another told that. A competitor that stands still
   * tells nothing: then it counts when it last ran.
   */
  expectBefore(competitor: Competitor, told: Told, other: Told): void {
    const stalledSince = new ProcessLives(competitor.history()).stalledSince(
      competitor.name,
      Number.NEGATIVE_INFINITY,
      told.at,
    )
    expect(stalledSince ?? told.at).toBeLessThan(other.at)
  }

  /**
   * Asserts that it was not deselected after `after`, but where its session could not be renewed in
   * time because processes had to wait for a processor: for longer than the `spareMs` that a renewal
   * has beyond what the test makes it take. That counts from the renewal before the last one that was
   * answered: validity is from when that was sent.
   */
  expectToStayLeader(
    competitor: Competitor,
    { after = 0, spareMs }: { readonly after?: number; readonly spareMs: number },
  ): void {
    for (const deselected of competitor.all('deselect', after)) {
      const renewed = [...competitor.all('select'), ...competitor.all('refresh')]
        .map(({ at }) => at)
        .filter((at) => at < deselected.at)
        .sort((one, other) => one - other)
      const from = renewed.at(-2) ?? renewed.at(-1) ?? after
      const starvedMs = this.#starvation.between(from, deselected.at)
      expect(starvedMs, `starved before ${JSON.stringify(deselected)}`).toBeGreaterThan(spareMs)
    }
  }

  /**
   * Asserts that whenever this competitor's session was renewed, it had this share of its ttl left, but
   * for as long as processes had to wait for a processor.
   */
  expectToRenewWith(share: number, competitor: Competitor, after = 0): void {
    const renewed = competitor
      .all('refresh', after)
      .flatMap((told) =>
        'note' in told ? [{ at: told.at, validityMs: Number(told.validityMs) }] : [],
      )
    const leastMs = leastValidityMs(renewed, (from, to) => this.starvedMs(from, to))
    expect(leastMs).toBeGreaterThan(share * this.ttl * 1_000)
  }

  /** Ends everything, and checks the history. */
  async end(): Promise<Report> {
    this.#starvation[Symbol.dispose]()
    await Promise.all(this.competitors.map((competitor) => competitor.end()))
    this.#operator?.close()
    await this.#cluster?.stop()
    return checkHistory(this.history())
  }

  /** Keeps the history for whoever wants to know what went wrong. */
  save(folder: string, name: string): void {
    mkdirSync(folder, { recursive: true })
    const inOrder = [...this.history()].sort((a, b) => a.at - b.at)
    writeFileSync(join(folder, `${name}.jsonl`), inOrder.map(formatEntry).join(''))
    for (const { name: who, told } of this.competitors) {
      const lines = told.map((line) => JSON.stringify(line, bigintAsText)).join('\n')
      writeFileSync(join(folder, `${name}-${who}.jsonl`), lines)
    }
  }
}

/** A test with a scene, whose history is checked at the end, whatever the test itself found. */
export const test = base.extend<{ scene: Scene }>({
  scene: async ({ task }, use) => {
    const scene = new Scene()
    await use(scene)
    const report = await scene.end()
    const folder = process.env.LOCKED_TEST_HISTORIES
    if (folder) scene.save(folder, task.name.replace(/\W+/g, '-'))
    const [fault] = report.faults
    const around = fault === undefined ? '' : scene.around(fault.at)
    expect(report.faults, `${formatReport(report)}\n${around}`).toEqual([])
  },
})
