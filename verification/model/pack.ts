/**
 * A world as a few 32-bit words, the same words for every world that differs only in what cannot
 * matter: which of two alike nodes is which, how far revisions lie apart, what a lease is called.
 */
import { type Normalise, renumberChanges } from './normalise.js'
import { placeOf, renumbered, shapeOf } from './waiting.js'
import {
  Call,
  type Change,
  ETERNAL,
  GONE,
  JUNK,
  type Late,
  NO_LEASE,
  type NodeState,
  OTHER_HISTORY,
  REVOKED,
  VACANT,
  type World,
} from './world.js'

export interface Capacity {
  readonly nodes: number
  readonly changes: number
  readonly late: number
}

const LEASE_OF_NODE = 1
const OLD_LEASE = 4
const REVOKED_CODE = 14
const ETERNAL_CODE = 15
/** Above all others. */
const OTHER_HISTORY_RANK = 31

export class Packing {
  readonly words: number
  readonly #scratch: Int32Array
  readonly #order: number[]
  readonly #place = new Int32Array(8)
  readonly #signature: number[][]
  readonly #old: number[] = []
  #ranks = new Int32Array(0)

  readonly #normalise: Normalise

  constructor(
    readonly capacity: Capacity,
    normalise: Normalise,
  ) {
    this.#normalise = normalise
    this.words = capacity.nodes * 3 + 3 + capacity.changes + capacity.late
    this.#scratch = new Int32Array(this.words)
    this.#order = Array.from({ length: capacity.nodes }, (_, index) => index)
    this.#signature = this.#order.map(() => [0, 0, 0, 0, 0])
  }

  /** The words of `world`, in an array that the next call overwrites. */
  pack(world: World): Int32Array {
    const { nodes } = world
    this.#normalise(world)
    this.#rank(world)
    const rank = this.#ranks
    const order = this.#order
    const place = this.#place

    for (let index = 0; index < nodes.length; index += 1) {
      this.#sign(world, index)
      let at = index
      for (; at > 0 && this.#compare(order[at - 1] ?? 0, index) > 0; at -= 1) {
        order[at] = order[at - 1] ?? 0
      }
      order[at] = index
    }
    for (let index = 0; index < nodes.length; index += 1) place[order[index] ?? 0] = index
    place[GONE] = GONE
    place[JUNK] = JUNK
    place[VACANT] = VACANT

    this.#old.length = 0
    const words = this.#scratch
    let at = 0
    words[at++] =
      (place[world.keyBy] ?? 0) |
      (world.keyValue << 3) |
      ((rank[world.keyToken] ?? 0) << 5) |
      (world.keyLeaving ? 1 << 10 : 0) |
      (this.#leaseCode(world.keyLease, nodes) << 15) |
      (this.#leaseCode(world.ghost, nodes) << 19)
    for (const index of order) {
      const node = nodes[index]
      if (node === undefined) continue
      words[at++] = firstWord(node, rank)
      words[at++] = secondWord(node, rank, this.#leaseCode(node.callLease, nodes))
      const callTo = node.call === Call.handOver ? (place[node.callTo] ?? 0) : node.callTo
      const waiting = renumbered(node.waiting, (by) => place[by] ?? 0)
      words[at++] = thirdWord(node, callTo, this.#leaseCode(node.entry, nodes), waiting)
    }
    const lateAt = at
    for (const request of world.late) {
      words[at++] =
        request.kind |
        ((place[request.by] ?? 0) << 5) |
        (this.#leaseCode(request.lease, nodes) << 8) |
        (request.value << 12) |
        ((rank[request.token] ?? 0) << 14) |
        (request.isSameKey ? 1 << 19 : 0)
    }
    while (at < lateAt + this.capacity.late) words[at++] = 0
    if (world.late.length > 1) words.subarray(lateAt, lateAt + world.late.length).sort()
    for (let index = 0; index < this.capacity.changes; index += 1) {
      const change = world.changes[index]
      words[at++] =
        change === undefined
          ? 0
          : (place[change.by] ?? 0) |
            (change.value << 3) |
            ((rank[change.token] ?? 0) << 5) |
            ((rank[change.revision] ?? 0) << 10) |
            (change.leaving ? 1 << 15 : 0) |
            (this.#leaseCode(change.lease, nodes) << 16)
    }
    if (world.robbed.length > 4) throw new Error('model: too many reigns were robbed')
    let robbedWord = world.robbed.length
    if (robbedWord > 0) {
      const robbed = world.robbed.map((token) => rank[token] ?? 0).sort((a, b) => a - b)
      for (const token of robbed) robbedWord = (robbedWord << 5) | token
    }
    words[at++] = robbedWord
    words[at++] = (rank[world.elected] ?? 0) | (world.changes.length << 5)
    return words
  }

  unpack(words: Int32Array, from: number): World {
    let at = from
    const next = () => words[at++] ?? 0
    const key = next()
    const nodes: NodeState[] = []
    let lastRevision = 0
    const revision = (rank: number) => {
      if (rank > lastRevision) lastRevision = rank
      return rank
    }
    const ownRevision = (rank: number) =>
      rank === OTHER_HISTORY_RANK ? OTHER_HISTORY : revision(rank)
    const lease = (code: number) => {
      if (code === ETERNAL_CODE) return ETERNAL
      return code === REVOKED_CODE ? REVOKED : code
    }
    for (let index = 0; index < this.capacity.nodes; index += 1) {
      const first = next()
      const second = next()
      const third = next()
      const session = (first >>> 7) & 3
      nodes.push({
        leaf: (first & 15) | ((first >>> 31) << 4),
        restart: (first >>> 4) & 1,
        value: (first >>> 5) & 3,
        session,
        lease: ((first >>> 9) & 1) === 1 ? LEASE_OF_NODE + index : NO_LEASE,
        unanswered: (first >>> 10) & 1,
        pending: (first >>> 11) & 7,
        seen: (first >>> 14) & 3,
        seenValue: (first >>> 16) & 3,
        seenToken: revision((first >>> 18) & 31),
        revision: ownRevision((first >>> 23) & 31),
        seenLeaving: (first >>> 28) & 1,
        inert: (first >>> 29) & 3,
        entered: third & 1,
        entry: lease((third >>> 1) & 15),
        entryValue: (third >>> 5) & 3,
        callTo: (third >>> 7) & 7,
        waiting: third >>> 11,
        call: (second & 15) | (((third >>> 10) & 1) << 4),
        callToken: revision((second >>> 4) & 31),
        callLease: lease((second >>> 9) & 15),
        callValue: (second >>> 13) & 3,
        callRevision: revision((second >>> 15) & 31),
        callBehind: (second >>> 20) & 7,
        renewal: (second >>> 23) & 7,
        asksDeposed: (second >>> 26) & 1,
        knownTerm: (second >>> 27) & 3,
        unkept: (second >>> 29) & 1,
        outdated: second >>> 30,
      })
    }
    const late: Late[] = []
    for (let index = 0; index < this.capacity.late; index += 1) {
      const word = next()
      if (word === 0) continue
      late.push({
        kind: word & 31,
        by: (word >>> 5) & 7,
        lease: lease((word >>> 8) & 15),
        value: (word >>> 12) & 3,
        token: revision((word >>> 14) & 31),
        isSameKey: ((word >>> 19) & 1) === 1,
      })
    }
    const changesAt = at
    at += this.capacity.changes
    let robbedWord = next()
    const last = next()
    const changes: Change[] = []
    for (let index = 0; index < last >>> 5; index += 1) {
      const word = words[changesAt + index] ?? 0
      changes.push({
        by: word & 7,
        value: (word >>> 3) & 3,
        token: revision((word >>> 5) & 31),
        revision: revision((word >>> 10) & 31),
        leaving: ((word >>> 15) & 1) === 1,
        lease: lease((word >>> 16) & 15),
      })
    }
    const robbed: number[] = []
    // The count stands above the tokens, so what is left when all are taken off is the count.
    while (robbedWord > robbed.length) {
      robbed.push(revision(robbedWord & 31))
      robbedWord >>>= 5
    }
    const world: World = {
      nodes,
      keyBy: key & 7,
      keyValue: (key >>> 3) & 3,
      keyToken: revision((key >>> 5) & 31),
      keyRevision: 0,
      keyLease: lease((key >>> 15) & 15),
      keyLeaving: ((key >>> 10) & 1) === 1,
      ghost: lease((key >>> 19) & 15),
      changes,
      late,
      robbed,
      elected: revision(last & 31),
      broken: '',
      lastRevision: 0,
      lastLease: ETERNAL_CODE,
    }
    world.lastRevision = lastRevision
    renumberChanges(world)
    return world
  }

  /** Leases that no session has any more are numbered as they are come across. */
  #leaseCode(lease: number, nodes: readonly NodeState[]): number {
    if (lease === NO_LEASE) return 0
    if (lease === ETERNAL) return ETERNAL_CODE
    if (lease === REVOKED) return REVOKED_CODE
    for (let index = 0; index < nodes.length; index += 1) {
      if (nodes[index]?.lease === lease) return LEASE_OF_NODE + (this.#place[index] ?? 0)
    }
    const known = this.#old.indexOf(lease)
    if (known !== -1) return OLD_LEASE + known
    this.#old.push(lease)
    const code = OLD_LEASE + this.#old.length - 1
    if (code >= REVOKED_CODE) throw new Error('model: too many leases matter at once')
    return code
  }

  /**
   * Ranks of all revisions that something refers to. A node's own `revision` is only ever compared
   * with those, so it becomes the highest of them that is not above it.
   */
  #rank(world: World): void {
    const top = world.lastRevision
    if (this.#ranks.length <= top + 1) this.#ranks = new Int32Array(top + 32)
    const rank = this.#ranks
    rank.fill(0, 0, top + 1)
    rank[world.keyToken] = 1
    rank[world.elected] = 1
    for (const node of world.nodes) {
      rank[node.seenToken] = 1
      rank[node.callToken] = 1
      if (node.call === Call.proposed) rank[node.callRevision] = 1
    }
    for (const change of world.changes) {
      rank[change.token] = 1
      rank[change.revision] = 1
    }
    for (const request of world.late) rank[request.token] = 1
    for (const token of world.robbed) rank[token] = 1
    rank[0] = 0
    let count = 0
    for (let revision = 1; revision <= top; revision += 1) {
      if (rank[revision] === 1) count += 1
      rank[revision] = count
    }
    if (count >= OTHER_HISTORY_RANK) throw new Error('model: too many revisions matter at once')
  }

  /** What tells a node from the others, whatever they are numbered. */
  #sign(world: World, index: number): void {
    const node = world.nodes[index]
    const signature = this.#signature[index]
    if (node === undefined || signature === undefined) return
    const rank = this.#ranks
    const { lease } = node
    signature[0] = firstWord(node, rank)
    const callLease =
      node.callLease === NO_LEASE
        ? 0
        : node.callLease === lease
          ? 1
          : node.callLease === world.keyLease
            ? 3
            : 2
    signature[1] = secondWord(node, rank, callLease)
    const entry =
      node.entry === NO_LEASE ? 0 : node.entry === lease ? 1 : node.entry === world.keyLease ? 3 : 2
    let to = node.callTo
    if (node.call === Call.handOver && to < GONE) to = 6
    signature[3] = thirdWord(node, to, entry, shapeOf(node.waiting))
    let links =
      (world.keyBy === index ? 1 : 0) | (lease !== NO_LEASE && world.keyLease === lease ? 2 : 0)
    for (const change of world.changes) links = links * 2 + (change.by === index ? 1 : 0)
    for (const other of world.nodes) {
      if (other.call === Call.handOver && other.callTo === index) links += 64
    }
    signature[4] = 0
    for (const other of world.nodes) {
      signature[4] = signature[4] * 13 + placeOf(other.waiting, index)
    }
    let requests = 0
    for (const request of world.late) {
      if (request.by === index) {
        requests +=
          1 +
          request.kind * 8 +
          request.value * 2 +
          (rank[request.token] ?? 0) * 128 +
          (request.lease === lease ? 4096 : 0)
      }
    }
    signature[2] = links + requests * 512
  }

  #compare(a: number, b: number): number {
    const one = this.#signature[a] ?? []
    const other = this.#signature[b] ?? []
    return (
      (one[0] ?? 0) - (other[0] ?? 0) ||
      (one[1] ?? 0) - (other[1] ?? 0) ||
      (one[2] ?? 0) - (other[2] ?? 0) ||
      (one[3] ?? 0) - (other[3] ?? 0) ||
      (one[4] ?? 0) - (other[4] ?? 0)
    )
  }
}

function firstWord(node: NodeState, rank: Int32Array): number {
  return (
    (node.leaf & 15) |
    ((node.leaf >>> 4) << 31) |
    (node.restart << 4) |
    (node.value << 5) |
    (node.session << 7) |
    ((node.lease === NO_LEASE ? 0 : 1) << 9) |
    (node.unanswered << 10) |
    (node.pending << 11) |
    (node.seen << 14) |
    (node.seenValue << 16) |
    ((rank[node.seenToken] ?? 0) << 18) |
    ((node.revision === OTHER_HISTORY ? OTHER_HISTORY_RANK : (rank[node.revision] ?? 0)) << 23) |
    (node.seenLeaving << 28) |
    (node.inert << 29)
  )
}

function secondWord(node: NodeState, rank: Int32Array, lease: number): number {
  return (
    (node.call & 15) |
    ((rank[node.callToken] ?? 0) << 4) |
    (lease << 9) |
    (node.callValue << 13) |
    ((rank[node.callRevision] ?? 0) << 15) |
    (node.callBehind << 20) |
    (node.renewal << 23) |
    (node.asksDeposed << 26) |
    (node.knownTerm << 27) |
    (node.unkept << 29) |
    (node.outdated << 30)
  )
}

function thirdWord(node: NodeState, callTo: number, entry: number, waiting: number): number {
  return (
    node.entered |
    (entry << 1) |
    (node.entryValue << 5) |
    (callTo << 7) |
    ((node.call >>> 4) << 10) |
    (waiting << 11)
  )
}
