import { locked, type NodeOptions } from '../locker.js'
import type { LockedNode } from '../node.js'
import { type Fate, Link, type Message } from '../stores/link.js'
import { MemoryStore } from '../stores/memory.js'
import { VirtualClock } from './virtual-clock.js'

/** A node’s options, and how its process differs from others. */
export interface ClusterNodeOptions extends NodeOptions {
  /** How each message between this node and the store fares; by default it arrives at once. */
  readonly fate?: (message: Message) => Fate
}

/**
 * An election in one process, for tests: an embedded store, a clock that moves only when told to,
 * and nodes that are each a process of their own as far as the election can tell.
 */
export class MemoryCluster {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(this.clock)
  readonly #links = new Map<LockedNode, Link>()

  /** Makes a node on a link of its own. It is not started. */
  node(path: string, { fate, ...options }: ClusterNodeOptions): LockedNode {
    const link = new Link(this.store, this.clock, fate)
    const node = locked(link, { clock: this.clock })(path, options)
    this.#links.set(node, link)
    return node
  }

  /** Lets time pass, and everything happen that falls due. Milliseconds. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** The node's connection hangs: what is sent is held back until `heal`. */
  freeze(node: LockedNode): void {
    this.#linkOf(node).freeze()
  }

  /** The node's connection loses everything until `heal`. */
  cut(node: LockedNode): void {
    this.#linkOf(node).cut()
  }

  /** The node’s connection works again, and what `freeze` held back arrives. */
  heal(node: LockedNode): void {
    this.#linkOf(node).heal()
  }

  /** The node's process ends without a word. The node is of no use any more. */
  kill(node: LockedNode): void {
    this.#linkOf(node).kill()
    node.actor.stop()
  }

  /** Expires the lease of the holder of `path` on the store. Returns whether there was one. */
  expire(path: string): boolean {
    const lease = this.store.entries().get(path)?.lease ?? null
    return lease !== null && this.store.expire(lease)
  }

  #linkOf(node: LockedNode): Link {
    const link = this.#links.get(node)
    if (link === undefined) throw new Error('MemoryCluster: this node is not one of mine')
    return link
  }
}
