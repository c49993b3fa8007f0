/**
 * A world as a few 32-bit words, the same words for every world that differs only in what cannot
 * matter: which of two alike nodes is which, how far revisions lie apart, what a lease is called.
 */
import { type Normalise, renumberChanges } from './normalise.js'
import { NOBODY, placeOf, renumbered, shapeOf } from './waiting.js'
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
  readonly #firstWords: Int32Array
  /** The leases that no session has, as they were come across. */
  readonly #old = new Int32Array(REVOKED_CODE - OLD_LEASE)
  #oldCount = 0
  #ranks = new Int32Array(0)

  readonly #normalise: Normalise

  constructor(
    readonly capacity: Capacity,
    normalise: Normalise,
  ) {
    this.#place[GONE] = GONE
    this.#place[JUNK] = JUNK
    this.#place[VACANT] = VACANT
    this.#normalise = normalise
    this.words = capacity.nodes * 3 + 3 + capacity.changes + capacity.late
    this.#scratch = new Int32Array(this.words)
    this.#order = Array.from({ length: capacity.nodes }, (_, index) => index)
    this.#firstWords = new Int32Array(capacity.nodes)
  }

  /** The words of `world`, in an array that the next call overwrites. */
  pack(world: World): Int32Array {
    const { nodes } = world
    this.#normalise(world)
    this.#rank(world)
    this.#sort(world)
    const rank = this.#ranks
    const place = this.#place

    this.#oldCount = 0
    const words = this.#scratch
    let at = 0
    words[at++] =
      (place[world.keyBy] ?? 0) |
      (world.keyValue << 3) |
      ((rank[world.keyToken] ?? 0) << 5) |
      (world.keyLeaving ? 1 << 10 : 0) |
      (this.#leaseCode(world.keyLease, nodes) << 15) |
      (this.#leaseCode(world.ghost, nodes) << 19)
    for (const index of this.#order) {
      const node = nodes[index]
      if (node === undefined) continue
      words[at++] = this.#firstWords[index] ?? 0
      words[at++] = secondWord(node, rank, this.#leaseCode(node.callLease, nodes))
      const callTo = node.call === Call.handOver ? (place[node.callTo] ?? 0) : node.callTo
      const waiting = node.waiting === NOBODY ? NOBODY : this.#renumber(node.waiting)
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
      // In the same order as those of a new node, so that all of them have one hidden class.
      nodes.push({
        leaf: (first & 15) | ((first >>> 31) << 4),
        restart: (first >>> 4) & 1,
        value: (first >>> 5) & 3,
        revision: ownRevision((first >>> 23) & 31),
        seen: (first >>> 14) & 3,
        seenValue: (first >>> 16) & 3,
        seenToken: revision((first >>> 18) & 31),
        seenLeaving: (first >>> 28) & 1,
        unanswered: (first >>> 10) & 1,
        entered: third & 1,
        entry: lease((third >>> 1) & 15),
        entryValue: (third >>> 5) & 3,
        session,
        lease: ((first >>> 9) & 1) === 1 ? LEASE_OF_NODE + index : NO_LEASE,
        pending: (first >>> 11) & 7,
        call: (second & 15) | (((third >>> 10) & 1) << 4),
        callToken: revision((second >>> 4) & 31),
        callLease: lease((second >>> 9) & 15),
        callValue: (second >>> 13) & 3,
        callRevision: revision((second >>> 15) & 31),
        callBehind: (second >>> 20) & 7,
        callTo: (third >>> 7) & 7,
        waiting: third >>> 11,
        renewal: (second >>> 23) & 7,
        asksDeposed: (second >>> 26) & 1,
        knownTerm: (second >>> 27) & 3,
        unkept: (second >>> 29) & 1,
        outdated: second >>> 30,
        inert: (first >>> 29) & 3,
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
    for (let known = 0; known < this.#oldCount; known += 1) {
      if (this.#old[known] === lease) return OLD_LEASE + known
    }
    const code = OLD_LEASE + this.#oldCount
    if (code >= REVOKED_CODE) throw new Error('model: too many leases matter at once')
    this.#old[this.#oldCount] = lease
    this.#oldCount += 1
    return code
  }

  #renumber(waiting: number): number {
    return renumbered(waiting, (by) => this.#place[by] ?? 0)
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

  /** Finds the place of each node in an order that is the same whatever they are numbered. */
  #sort(world: World): void {
    const { nodes } = world
    const order = this.#order
    for (let index = 0; index < nodes.length; index += 1) {
      const node = nodes[index]
      if (node === undefined) continue
      this.#firstWords[index] = firstWord(node, this.#ranks)
      let at = index
      for (; at > 0 && this.#compare(world, order[at - 1] ?? 0, index) > 0; at -= 1) {
        order[at] = order[at - 1] ?? 0
      }
      order[at] = index
    }
    for (let index = 0; index < nodes.length; index += 1) this.#place[order[index] ?? 0] = index
  }

  /** Hardly ever is more than the first words needed to tell one node from the other. */
  #compare(world: World, a: number, b: number): number {
    const byFirst = (this.#firstWords[a] ?? 0) - (this.#firstWords[b] ?? 0)
    if (byFirst !== 0) return byFirst
    const one = this.#sign(world, a)
    const other = this.#sign(world, b)
    const differs = one.findIndex((part, index) => part !== other[index])
    return differs === -1 ? 0 : (one[differs] ?? 0) - (other[differs] ?? 0)
  }

  /** What else tells a node from the others, whatever they are numbered. */
  #sign(world: World, index: number): readonly number[] {
    const node = world.nodes[index]
    if (node === undefined) return []
    const rank = this.#ranks
    const { lease } = node
    const leaseOf = (own: number) =>
      own === NO_LEASE ? 0 : own === lease ? 1 : own === world.keyLease ? 3 : 2
    const callTo = node.call === Call.handOver && node.callTo < GONE ? 6 : node.callTo
    let links =
      (world.keyBy === index ? 1 : 0) | (lease !== NO_LEASE && world.keyLease === lease ? 2 : 0)
    for (const change of world.changes) links = links * 2 + (change.by === index ? 1 : 0)
    let places = 0
    for (const other of world.nodes) {
      if (other.call === Call.handOver && other.callTo === index) links += 64
      places = places * 13 + placeOf(other.waiting, index)
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
    return [
      secondWord(node, rank, leaseOf(node.callLease)),
      links + requests * 512,
      thirdWord(node, callTo, leaseOf(node.entry), shapeOf(node.waiting)),
      places,
    ]
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
