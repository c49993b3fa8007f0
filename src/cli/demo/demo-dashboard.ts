import type { InspectionEvent } from 'xstate'
import { Board } from '../../dashboard/board.js'
import { InspectedProcess, keyOf } from '../../dashboard/inspected-process.js'
import { PathSource } from '../../dashboard/path-source.js'
import type { Action } from '../../dashboard/protocol.js'
import { Dashboard } from '../../dashboard/server.js'
import type { Store, Watch } from '../../index.js'
import { type InspectionMessage, messageOf } from '../../inspection/message.js'
import { askTransfer } from '../../services/ask-transfer.js'
import { pathBeside } from '../../stores/candidates.js'
import type { Demo } from './demo.js'

const ACTIONS: readonly Action[] = ['start', 'stop', 'freeze', 'kill', 'jump']
const HAND_OVER_WITHIN_MS = 5_000
/** This process, which no other can be. */
const SOURCE = 'demo'

/** One that tells of candidates as well. */
export type DemoStore = Store & Required<Pick<Store, 'observe' | 'candidates'>>

interface DemoDashboardSettings {
  readonly path: string
  /** The store, as a user knows it. */
  readonly where: string
  readonly store: DemoStore
  readonly port: number
}

/** The dashboard of a demo: its nodes are in this process, and keep their lanes through all their lives. */
export class DemoDashboard {
  readonly #settings: DemoDashboardSettings
  readonly #board = new Board()
  readonly #source: PathSource
  readonly #nodes: InspectedProcess
  /** Of each actor, the node it is one life of. */
  readonly #ids = new Map<string, string>()
  #dashboard: Dashboard | null = null
  #watch: Watch | null = null

  constructor(settings: DemoDashboardSettings) {
    this.#settings = settings
    this.#source = new PathSource(this.#board, { id: 'store', kind: 'etcd', name: settings.where })
    this.#source.disconnected('connecting')
    this.#board.setSource({
      id: SOURCE,
      kind: 'demo',
      name: 'three nodes of this demo',
      isConnected: true,
      sinceMs: Date.now(),
      problem: null,
    })
    this.#nodes = new InspectedProcess(this.#board, SOURCE, ({ actions }) => actions)
  }

  /** Takes an inspection event of the node `id`. */
  inspect(id: string, event: InspectionEvent): void {
    const { sessionId } = event.actorRef
    if (event.type === '@xstate.actor' && event.rootId === sessionId) {
      this.#ids.set(sessionId, id)
      this.#nodes.take({ type: 'locked.offer', sessionId: id, actions: ACTIONS })
    }
    const message = messageOf(event)
    if (message !== null)
      this.#nodes.take(detached({ ...message, sessionId: this.#ids.get(sessionId) ?? sessionId }))
  }

  /** The node has disappeared: its process tells nothing any more. */
  killed(id: string): void {
    this.#nodes.killed(id, ['start'])
  }

  /** Serves the page, and acts on the demo’s nodes as it asks. Resolves with its address. */
  async open(demo: Demo): Promise<string> {
    const { store } = this.#settings
    const settings = {
      board: this.#board,
      title: 'demo',
      host: '127.0.0.1',
      allowControl: true,
      handOver: (path: string, to: string | null) =>
        askTransfer(store, path, to, HAND_OVER_WITHIN_MS),
    }
    this.#dashboard = await openAt(settings, this.#settings.port)
    for (const node of demo.nodes) {
      this.#dashboard.offer(keyOf(SOURCE, node.id), (action) => node.act(action))
    }
    this.#watch = this.#follow()
    return this.#dashboard.url
  }

  async close(): Promise<void> {
    this.#watch?.close()
    this.#settings.store.closeIdle()
    this.#board.close()
    await this.#dashboard?.close()
  }

  #follow(): Watch {
    const { store, path } = this.#settings
    let isSeen = false
    const known = () => {
      this.#source.connected()
      if (!isSeen) this.#source.seen(path, { entry: null, revision: 0 })
    }
    const away = (error: Error) => this.#source.disconnected(error.message)
    return store.observe(path, {
      // Other paths may begin like it.
      seen: (at, sighting) => {
        if (at !== path) return
        isSeen = true
        this.#source.seen(path, sighting)
      },
      beside: (at, sighting) => {
        if (pathBeside(at) === path) this.#source.beside(at, sighting)
      },
      known,
      recovered: known,
      retrying: away,
      refused: away,
    })
  }
}

/** At the port that was asked for, or at another if that is taken. */
async function openAt(settings: Omit<Parameters<typeof Dashboard.open>[0], 'port'>, port: number) {
  try {
    return await Dashboard.open({ ...settings, port })
  } catch {
    return await Dashboard.open({ ...settings, port: 0 })
  }
}

/** As it would come from another process: nothing that changes later. */
function detached(message: InspectionMessage): unknown {
  return JSON.parse(JSON.stringify(message))
}
