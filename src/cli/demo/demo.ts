import type { InspectionEvent } from 'xstate'
import type { Call, Store } from '../../index.js'
import { DemoNode, type NodeView } from './demo-node.js'
import type { DemoEvent } from './event.js'

const IDS = ['node-a', 'node-b', 'node-c']

export interface DemoSettings {
  readonly path: string
  readonly ttl: number
  /** The store, as a user knows it. */
  readonly where: string
  openStore(): Store
  /** Receives the inspection events of the node with that id. */
  inspect(id: string, event: InspectionEvent): void
}

/** What the demo shows at one moment. */
export interface DemoView {
  readonly path: string
  readonly ttl: number
  readonly where: string
  readonly elapsedMs: number
  readonly nodes: readonly NodeView[]
}

/** Three nodes that compete for one path. */
export class Demo {
  readonly nodes: readonly DemoNode[]
  readonly #settings: DemoSettings
  readonly #tell: (event: DemoEvent) => void
  readonly #beganMs = performance.now()
  /** Who is told to be unreachable: nodes that are frozen, or the store as a whole. */
  readonly #unreachable = new Set<DemoNode | 'store'>()

  /** @throws TypeError or RangeError when the path or the ttl is wrong. */
  constructor(settings: DemoSettings, tell: (event: DemoEvent) => void) {
    this.#settings = settings
    this.#tell = tell
    this.nodes = IDS.map((id) => this.#enter(id))
  }

  start(): void {
    for (const node of this.nodes) node.start()
  }

  /** Has the leader hand over, if there is one. */
  transfer(): void {
    this.nodes.find((node) => node.view().isLeader)?.transfer()
  }

  view(): DemoView {
    const { path, ttl, where } = this.#settings
    const nodes = this.nodes.map((node) => node.view())
    return { path, ttl, where, elapsedMs: performance.now() - this.#beganMs, nodes }
  }

  /** Stops all nodes. Resolves once nothing of them is left at the store. */
  async close(timeoutMs: number): Promise<void> {
    const call: Call = { timeoutMs }
    await Promise.all(this.nodes.map((node) => node.close(call)))
  }

  #enter(id: string): DemoNode {
    const { path, ttl, openStore, inspect } = this.#settings
    const tell = (kind: DemoEvent['kind'], details: DemoEvent['details']) => {
      if (kind === 'unreachable' && !this.#isNews(node)) return
      this.#tell({ atMs: performance.now() - this.#beganMs, id, kind, details })
    }
    const answered = () => {
      const wasUnreachable = [this.#unreachable.delete(node), this.#unreachable.delete('store')]
      if (wasUnreachable.includes(true)) tell('reachable', {})
    }
    const node: DemoNode = new DemoNode({
      id,
      path,
      ttl,
      openStore,
      tell,
      answered,
      inspect: (event) => inspect(id, event),
    })
    return node
  }

  /** An outage is told once, not at every attempt of every node. */
  #isNews(node: DemoNode): boolean {
    const who = node.connection === 'up' ? 'store' : node
    const isNews = !this.#unreachable.has(who)
    this.#unreachable.add(who)
    return isNews
  }
}
