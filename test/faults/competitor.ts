import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { formatEntry, type HistoryEntry, parseHistory } from '../../verification/history/history.js'
import { type Relay, startRelay } from '../etcd/relay.js'
import { PATIENCE_MS } from '../patience.js'
import { now } from './now.js'

export interface CompetitorSettings {
  /** Unique in the scene. */
  readonly name: string
  readonly path: string
  readonly id: string
  readonly value: unknown
  /** In seconds. */
  readonly ttl: number
  /** What `locked` is given besides the hosts. */
  readonly locker?: Readonly<Record<string, unknown>>
  /** Which client it gives to `locked`; none by default, but the hosts. */
  readonly client?: 'etcd3' | 'etcdjs'
  /** Whether its clock can be made to lose time, by `block` with `suspend`. */
  readonly suspendable?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Which program competes. */
  readonly program?: 'competitor.mjs' | 'competitor-etcd3.mjs'
}

/** Something that a competitor told and that is not part of the history. */
export interface Note {
  readonly note: string
  readonly at: number
  readonly [detail: string]: unknown
}

export type Told = HistoryEntry | Note

interface Waiter {
  readonly look: () => boolean
}

interface Search {
  /** Only what was told after this time. */
  readonly after?: number
  readonly timeoutMs: number
  readonly where?: (told: Told) => boolean
}

/** A node in a process of its own, which reaches each member of the cluster through its own relay. */
export class Competitor {
  readonly settings: CompetitorSettings
  /** One for each member of the cluster. */
  readonly relays: readonly Relay[]
  /** All that it told, in order. */
  readonly told: Told[] = []
  /** What it wrote to its standard error. */
  complaints = ''
  readonly #child: ChildProcess
  readonly #waiters = new Set<Waiter>()
  readonly #calls = new Map<number, PromiseWithResolver>()
  readonly #exited: Promise<void>
  /** The relays that are not cut for good. */
  #inReach: readonly Relay[]
  #history = ''
  #rest = ''
  #exitedAt: number | null = null

  private constructor(settings: CompetitorSettings, relays: readonly Relay[]) {
    this.settings = settings
    this.relays = relays
    this.#inReach = relays
    const { env, program = 'competitor.mjs', ...rest } = settings
    const file = fileURLToPath(new URL(program, import.meta.url))
    const hosts = relays.map(({ endpoint }) => endpoint)
    this.#child = spawn(process.execPath, [file, JSON.stringify({ ...rest, hosts })], {
      env: { ...process.env, ...env },
      stdio: 'pipe',
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.complaints = (this.complaints + text).slice(-10_000)
    })
    // A command to one that has died fails by its exit.
    this.#child.stdin?.on('error', () => {})
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.#exitedAt = now()
      })
      this.#child.once('close', () => {
        for (const { reject } of this.#calls.values()) reject(this.#gone())
        this.#calls.clear()
        this.#look()
        resolve()
      })
    })
  }

  static async launch(
    settings: CompetitorSettings,
    members: readonly string[],
  ): Promise<Competitor> {
    const relays = await Promise.all(members.map((member) => startRelay(member)))
    const competitor = new Competitor(settings, relays)
    try {
      await competitor.until('ready', { timeoutMs: PATIENCE_MS })
      return competitor
    } catch (error) {
      await competitor.end()
      throw error
    }
  }

  get name(): string {
    return this.settings.name
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#exitedAt === null
  }

  /** The `select` of the present leadership by its events; `null` when it does not lead. */
  get leadership(): HistoryEntry | null {
    if (!this.isRunning) return null
    const last = this.told.findLast((told) => isKind(told, 'select') || isKind(told, 'deselect'))
    return last !== undefined && isKind(last, 'select') ? (last as HistoryEntry) : null
  }

  /** All of this kind, or all notes of this name. */
  all(kind: string, after = 0): readonly Told[] {
    return this.told.filter((told) => told.at > after && isKind(told, kind))
  }

  /** The first of this kind, or the first note of this name, whether it was told already or not. */
  async until(kind: string, { after = 0, timeoutMs, where = () => true }: Search): Promise<Told> {
    const find = () =>
      this.told.find((told) => told.at > after && isKind(told, kind) && where(told))
    await this.untilTrue(() => find() !== undefined, `${kind}`, timeoutMs)
    const found = find()
    if (found === undefined) throw new Error('unreachable')
    return found
  }

  /** Resolves once `holds`, which is looked at whenever something is told. */
  untilTrue(holds: () => boolean, what: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`${this.name}: no ${what} within ${timeoutMs} ms; ${this.#lastTold()}`))
      }, timeoutMs)
      const look = () => {
        if (holds()) {
          done()
          resolve()
          return true
        }
        if (this.#exitedAt !== null) {
          done()
          reject(new Error(`${what}: ${this.#gone().message}`))
        }
        return false
      }
      const waiter = { look }
      this.#waiters.add(waiter)
      look()
    })
  }

  /** Gives a command; resolves with what it replies. */
  call(command: string, detail: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#exitedAt !== null) return Promise.reject(this.#gone())
    const call = this.#nextCall++
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject })
    })
    // Whoever does not wait for it need not.
    reply.catch(() => {})
    this.#child.stdin?.write(`${JSON.stringify({ call, command, ...detail })}\n`)
    return reply
  }

  start(): Promise<unknown> {
    return this.call('start')
  }

  stop(): Promise<unknown> {
    return this.call('stop')
  }

  /** SIGSTOP: it stands still, and its connections stay open. */
  suspend(): void {
    this.#child.kill('SIGSTOP')
  }

  /** SIGCONT. Resolves once it has told how long it stood still. */
  resume(): Promise<unknown> {
    this.#child.kill('SIGCONT')
    return this.call('settle')
  }

  /** SIGKILL. Resolves once it is dead and all that it told is known. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** From now on it reaches this member only, by its index, whatever is healed. */
  async reachOnly(member: number): Promise<void> {
    this.#inReach = this.relays.slice(member, member + 1)
    const others = this.relays.filter((relay) => !this.#inReach.includes(relay))
    await Promise.all(others.map((relay) => relay.cut()))
  }

  /** Cut off from all members: nothing gets through, and nobody is told. */
  freeze(): void {
    for (const relay of this.#inReach) relay.freeze()
  }

  /** Cut off from all members: connections are reset, and new ones refused. */
  async cut(): Promise<void> {
    await Promise.all(this.#inReach.map((relay) => relay.cut()))
  }

  async heal(): Promise<void> {
    await Promise.all(this.#inReach.map((relay) => relay.heal()))
  }

  delay(ms: number): void {
    for (const relay of this.#inReach) relay.delay(ms)
  }

  dropAnswers(): void {
    for (const relay of this.#inReach) relay.dropAnswers()
  }

  /** Ends the process and its relays. */
  async end(): Promise<void> {
    await this.kill()
    await Promise.all(this.relays.map((relay) => relay.stop()))
  }

  /** Its part of the history, with its death if it is dead. */
  history(): readonly HistoryEntry[] {
    const entries = parseHistory(this.#history)
    if (this.#exitedAt === null) return entries
    const { path, name } = this.settings
    const exit = { kind: 'exit', at: this.#exitedAt, path, node: name, process: name } as const
    return [...entries, ...parseHistory(formatEntry(exit))]
  }

  #nextCall = 1

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    // What was torn when the process was killed is left out.
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(line)
    this.#look()
  }

  #take(line: string): void {
    const parsed: unknown = JSON.parse(line)
    if (typeof parsed !== 'object' || parsed === null) throw new Error(`not a line: ${line}`)
    if ('reply' in parsed) {
      this.#reply(parsed)
    } else if ('note' in parsed) {
      this.told.push(parsed as Note)
    } else {
      this.#history += `${line}\n`
      this.told.push(...parseHistory(`${line}\n`))
    }
  }

  #reply(parsed: { readonly reply: unknown; readonly result?: unknown; readonly error?: unknown }) {
    const call = Number(parsed.reply)
    const waiting = this.#calls.get(call)
    this.#calls.delete(call)
    if (parsed.error === undefined) {
      waiting?.resolve(parsed.result)
      return
    }
    const { name, message } = parsed.error as Error
    waiting?.reject(Object.assign(new Error(message), { name }))
  }

  #look(): void {
    for (const waiter of [...this.#waiters]) waiter.look()
  }

  #gone(): Error {
    return new Error(`${this.name} has ended; it complained: ${this.complaints}`)
  }

  #lastTold(): string {
    const last = this.told
      .filter((told) => !isKind(told, 'sample') && !isKind(told, 'refresh'))
      .slice(-8)
    return `last told: ${JSON.stringify(last, bigintAsText)}; it is ${now()}; complaints: ${this.complaints}`
  }
}

interface PromiseWithResolver {
  resolve(result: unknown): void
  reject(error: Error): void
}

export function isKind(told: Told, kind: string): boolean {
  return 'note' in told ? told.note === kind : told.kind === kind
}

export function bigintAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
