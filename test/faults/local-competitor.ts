import locked, { type LockedNode } from '../../src/index.js'
import { formatEntry, type HistoryEntry, parseHistory } from '../../verification/history/history.js'
import { type Relay, startRelay } from '../etcd/relay.js'
import { bigintAsText } from './competitor.js'
import { Recorder } from './recorder.mjs'

interface LocalSettings {
  /** Unique in the run. */
  readonly name: string
  readonly path: string
  /** In seconds. */
  readonly ttl: number
  /** The one member that it reaches. */
  readonly member: string
}

/**
 * A node in this process, with a connection and a session of its own, which reaches one member of
 * the cluster through a relay. Dozens of them cost little, and their network can be broken within
 * the turn in which they are told something.
 */
export class LocalCompetitor {
  readonly name: string
  readonly node: LockedNode
  readonly relay: Relay
  /** Why it was deselected, each time that it was. */
  readonly deselected: string[] = []
  /** How many renewals it was told of. */
  refreshed = 0
  readonly #locker: ReturnType<typeof locked>
  readonly #recorder: Recorder
  #history = ''

  private constructor({ name, path, ttl }: LocalSettings, relay: Relay) {
    this.name = name
    this.relay = relay
    this.#locker = locked(relay.endpoint)
    this.node = this.#locker(path, { id: name, value: `value of ${name}`, ttl })
    const { node } = this
    // Each is a process of its own to the checker: none knows of another.
    const recorder = new Recorder({ path, node: name, process: name }, () => node.isLeader, {
      write: (line: object) => {
        if (!('note' in line)) this.#history += `${JSON.stringify(line, bigintAsText)}\n`
      },
    })
    this.#recorder = recorder
    node.on('select', (value) => {
      recorder.entry('select', { token: node.holder?.token, value, id: name })
    })
    node.on('deselect', (reason) => {
      recorder.entry('deselect', { reason })
      this.deselected.push(reason)
    })
    node.on('change', (value, nodeid) => {
      const { revision } = node.actor.getSnapshot().context
      recorder.entry('change', { value, nodeid, token: node.holder?.token ?? null, revision })
    })
    node.on('vacant', () => recorder.entry('vacant'))
    node.on('refresh', () => {
      this.refreshed += 1
    })
    node.on('unreachable', () => {})
    node.on('error', () => recorder.entry('stop'))
  }

  static async create(settings: LocalSettings): Promise<LocalCompetitor> {
    return new LocalCompetitor(settings, await startRelay(settings.member))
  }

  async start(): Promise<void> {
    const { id, value } = this.node.actor.getSnapshot().context
    this.#recorder.entry('start', { id, value })
    this.#recorder.startSampling()
    await this.node.start()
  }

  /** Resolves once this event is told; rejects with what was waited for after `timeoutMs`. */
  until(event: 'select' | 'deselect' | 'refresh', timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const { state } = this.node
        reject(new Error(`${this.name}: no ${event} within ${timeoutMs} ms; its state is ${state}`))
      }, timeoutMs)
      this.node.once(event, () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  history(): readonly HistoryEntry[] {
    return parseHistory(this.#history)
  }

  /** Leaves the election, and ends all that belongs to it. */
  async end(): Promise<void> {
    await this.relay.heal()
    await this.#locker.close()
    this.#recorder.stopSampling()
    await this.relay.stop()
  }
}

/** The history of all of them, as text, for whoever wants to know what went wrong. */
export function formatHistory(competitors: readonly LocalCompetitor[]): string {
  const entries = competitors.flatMap((one) => one.history())
  return [...entries]
    .sort((a, b) => a.at - b.at)
    .map(formatEntry)
    .join('')
}
