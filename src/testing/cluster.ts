import { type Locker, locked, type NodeOptions } from '../locker.js'
import type { LockedNode } from '../node.js'
import { type Fate, Link, type Message } from '../stores/link.js'
import { MemoryStore } from '../stores/memory.js'
import { VirtualClock } from './virtual-clock.js'

/** A node’s options, and how its process differs from others. */
export interface ClusterNodeOptions extends NodeOptions {
  /** How each message between this node and the store fares; by default it arrives at once. */
  readonly fate?: (message: Message) => Fate
  /** Another node of the same process: both share its connection, and its session if their ttl is the same. */
  readonly beside?: LockedNode
}

/** What the nodes of one process share. */
interface Process {
  readonly link: Link
  readonly locker: Locker
}

/**
 * An election in one process, for tests: an embedded store, a clock that moves only when told to,
 * and nodes that are each a process of their own as far as the election can tell.
 */
export class MemoryCluster {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(this.clock)
  readonly #processes = new Map<LockedNode, Process>()

  /** Makes a node, in a process of its own if not `beside` another. It is not started. */
  node(path: string, { fate, beside, ...options }: ClusterNodeOptions): LockedNode {
    const process = beside === undefined ? this.#newProcess(fate) : this.#processOf(beside)
    const node = process.locker(path, options)
    this.#processes.set(node, process)
    return node
  }

  /** Lets time pass, and everything happen that falls due. Milliseconds. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** The node's connection hangs: what is sent is held back until `heal`. */
  freeze(node: LockedNode): void {
    this.#processOf(node).link.freeze()
  }

  /** The node's connection loses everything until `heal`. */
  cut(node: LockedNode): void {
    this.#processOf(node).link.cut()
  }

  /** The node’s connection works again, and what `freeze` held back arrives. */
  heal(node: LockedNode): void {
    this.#processOf(node).link.heal()
  }

  /** The node's process ends without a word. Its nodes are of no use any more. */
  kill(node: LockedNode): void {
    const process = this.#processOf(node)
    process.link.kill()
    for (const [one, its] of this.#processes) if (its === process) one.actor.stop()
  }

  /** Expires the lease of the holder of `path` on the store. Returns whether there was one. */
  expire(path: string): boolean {
    const lease = this.store.entries().get(path)?.lease ?? null
    return lease !== null && this.store.expire(lease)
  }

  #newProcess(fate: ClusterNodeOptions['fate']): Process {
    const link = new Link(this.store, this.clock, fate)
    return { link, locker: locked(link, { clock: this.clock }) }
  }

  #processOf(node: LockedNode): Process {
    const process = this.#processes.get(node)
    if (process === undefined) throw new Error('MemoryCluster: this node is not one of mine')
    return process
  }
}
