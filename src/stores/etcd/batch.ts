import { setImmediate as turn } from 'node:timers/promises'
import type { ICompare, IRequestOp, IResponseOp, ITxnRequest } from 'etcd3/lib/rpc.js'
import { errorFrom, LeaseGoneError, TooLargeError, UnreachableError } from '../../errors.js'
import { TooManyOperationsError } from './errors.js'
import { putOf } from './reign.js'

/** One compare-and-set, which may travel together with others. */
export interface Operation {
  readonly key: Buffer
  /** Other keys that it names. Whichever others write at the same time is its `key`. */
  readonly beside?: readonly Buffer[]
  /** Operations under one lease share its fate, and so are sent together. */
  readonly lease: string
  readonly timeoutMs: number
  readonly compare: readonly ICompare[]
  readonly success: readonly IRequestOp[]
  readonly failure: readonly IRequestOp[]
  /**
   * Written besides in one of its branches; by the last only of those that travel together and write there,
   * since etcd takes no key twice in a transaction. They all come to those branches, or none does.
   */
  readonly latest?: {
    readonly key: Buffer
    readonly value: string
    readonly in: 'success' | 'failure'
  }
}

type Parts = Partial<Pick<Operation, 'compare' | 'success' | 'failure'>>

export interface Outcome {
  readonly succeeded: boolean
  readonly responses: readonly IResponseOp[]
  readonly revision: number
}

interface Waiting {
  readonly operation: Operation
  readonly sizeBytes: number
  /** How many operations etcd counts for it on top of those of the transaction that it is nested in. */
  readonly depth: number
  resolve(outcome: Outcome): void
  reject(error: Error): void
}

interface TxnAnswer {
  readonly succeeded: boolean
  readonly responses: readonly IResponseOp[]
  readonly header: { readonly revision: string }
}

type Send = (request: ITxnRequest, timeoutMs: number) => Promise<TxnAnswer>

/** etcd's default for --max-txn-ops: of a transaction and of what is nested in it, level by level. */
const MOST_OPERATIONS = 128
/** Well below etcd's default for --max-request-bytes, 1.5 MiB. */
const MOST_BYTES = 1_000_000

/**
 * Group commit: operations that are ready in the same turn of the event loop travel in one
 * transaction, each nested with a compare of its own. What is ready first is sent at once, and as it
 * is if it is a single one; what the rest of the turn brings goes together when it ends.
 */
export class Batch {
  readonly #send: Send
  #waiting: Waiting[] = []
  /** Whether something was sent in this turn of the event loop: the rest goes when it ends. */
  #isTurnBegun = false
  /** What this etcd takes, as far as it has said. */
  readonly #most = { operations: MOST_OPERATIONS, bytes: MOST_BYTES }

  constructor(send: Send) {
    this.#send = send
  }

  run(operation: Operation): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0 && !this.#isTurnBegun) process.nextTick(() => this.#begin())
      const depth = depthOf(operation) + (operation.latest ? 1 : 0)
      this.#waiting.push({ operation, sizeBytes: sizeOf(operation), depth, resolve, reject })
    })
  }

  /** Each timer of a turn has its own ticks: the first sends at once, the others’ are sent together. */
  #begin(): void {
    this.#isTurnBegun = true
    setImmediate(() => {
      this.#isTurnBegun = false
      if (this.#waiting.length > 0) void this.#flush()
    })
    void this.#flush()
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    for (const group of grouped(waiting, this.#most)) {
      void this.#commit(group)
      // It is on its way while the next one is made, which takes a few milliseconds.
      if (group.length > 1) await turn()
    }
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const [first] = group
    if (first === undefined) return
    try {
      if (group.length === 1) await this.#commitAlone(first)
      else await this.#commitTogether(group)
    } catch (thrown) {
      const error = errorFrom(thrown)
      // A whole group shares the connection and the lease; anything else is one operation's own
      // fault, and is found by halving.
      const isTooMuch = error instanceof TooManyOperationsError || error instanceof TooLargeError
      const shared =
        (error instanceof UnreachableError && !isTooMuch) || error instanceof LeaseGoneError
      if (isTooMuch && group.length > 1) this.#learn(error, group)
      if (group.length === 1 || shared) {
        for (const { reject } of group) reject(error)
        return
      }
      const middle = Math.ceil(group.length / 2)
      await Promise.all([this.#commit(group.slice(0, middle)), this.#commit(group.slice(middle))])
    }
  }

  /** Less than that at once from now on. One operation that is too large by itself says nothing of it. */
  #learn(error: Error, group: readonly Waiting[]): void {
    const most = this.#most
    if (error instanceof TooManyOperationsError) {
      const took = namesIn(group).length + Math.max(...group.map(({ depth }) => depth))
      most.operations = Math.min(most.operations, Math.ceil(took / 2))
      return
    }
    const bytes = group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const largest = Math.max(...group.map(({ sizeBytes }) => sizeBytes))
    if (largest < bytes / 2) most.bytes = Math.min(most.bytes, Math.ceil(bytes / 2))
  }

  async #commitAlone({ operation, resolve }: Waiting): Promise<void> {
    const answer = await this.#send(txnOf(operation, true), operation.timeoutMs)
    resolve(outcomeOf(answer, answer.header.revision))
  }

  async #commitTogether(group: readonly Waiting[]): Promise<void> {
    const timeoutMs = Math.max(...group.map(({ operation }) => operation.timeoutMs))
    const lastAt = new Map(group.map(({ operation }, index) => [latestNameOf(operation), index]))
    const answer = await this.#send(
      {
        // Always true. etcd 3.4 checks no permissions inside nested transactions, but does so for
        // the keys that the outer one names, in the branch that is not taken as well
        // (auth check of a transaction: server/etcdserver/apply_auth.go).
        compare: namesIn(group).map((key) => ({
          key,
          target: 'Create' as const,
          result: 'Greater' as const,
          create_revision: -1,
        })),
        success: group.map(({ operation }, index) => ({
          request_txn: txnOf(operation, lastAt.get(latestNameOf(operation)) === index),
        })),
        failure: namesIn(group).map((key) => ({
          request_put: { key, value: Buffer.alloc(0) },
        })),
      },
      timeoutMs,
    )
    group.forEach(({ resolve, reject }, index) => {
      const nested = answer.responses[index]?.response_txn
      if (nested === undefined) reject(new Error('etcd: a nested transaction was not answered'))
      else resolve(outcomeOf(nested, answer.header.revision))
    })
  }
}

function txnOf(
  { compare, success, failure, latest, lease }: Operation,
  isLast: boolean,
): ITxnRequest {
  const txn = { compare: [...compare], success: [...success], failure: [...failure] }
  if (latest && isLast) txn[latest.in].push(putOf(latest.key, latest.value, lease))
  return txn
}

function latestNameOf({ latest }: Operation): string | undefined {
  return latest?.key.toString('latin1')
}

function outcomeOf(
  { succeeded, responses }: { succeeded: boolean; responses: readonly IResponseOp[] },
  revision: string,
): Outcome {
  return { succeeded, responses, revision: Number(revision) }
}

/** The keys of all its operations, each once. */
function namesIn(group: readonly Waiting[]): Buffer[] {
  const names = new Map<string, Buffer>()
  for (const { operation } of group) {
    for (const key of [operation.key, ...(operation.beside ?? [])]) {
      names.set(key.toString('latin1'), key)
    }
  }
  return [...names.values()]
}

/**
 * How many operations etcd counts: the longest of the three lists, and as many again of what is nested
 * there (`checkTxnRequest`: server/etcdserver/api/v3rpc/key.go).
 */
function depthOf({ compare = [], success = [], failure = [] }: Parts): number {
  let nested = 0
  for (const { request_txn: txn } of [...success, ...failure]) {
    if (txn) nested = Math.max(nested, depthOf(txn))
  }
  return Math.max(compare.length, success.length, failure.length) + nested
}

/** About how much it takes in a request, in bytes. */
function sizeOf({ key, beside = [], ...parts }: Operation): number {
  const names = [key, ...beside].reduce((sum, { length }) => sum + length, 0)
  return 200 + 4 * names + bytesIn(parts)
}

/** What is compared and written, in both branches. */
function bytesIn({ compare = [], success = [], failure = [] }: Parts): number {
  let bytes = 0
  for (const { value } of compare) bytes += value?.length ?? 0
  for (const { request_put: put, request_txn: nested } of [...success, ...failure]) {
    bytes += put?.value?.length ?? 0
    if (nested) bytes += bytesIn(nested)
  }
  return bytes
}

/**
 * Groups of one lease each, within etcd's limits, and with no key twice: etcd refuses that. What comes
 * second for a key is in a group of those that do.
 */
function grouped(
  waiting: readonly Waiting[],
  most: { readonly operations: number; readonly bytes: number },
): Waiting[][] {
  if (waiting.length === 1) return [[...waiting]]
  const groups: Waiting[][] = []
  const open = new Map<string, { group: Waiting[]; bytes: number; names: number; depth: number }>()
  const seen = new Map<string, number>()
  for (const one of waiting) {
    const { lease, key } = one.operation
    const name = key.toString('latin1')
    const before = seen.get(name) ?? 0
    seen.set(name, before + 1)
    const line = `${lease} ${before}`
    const names = 1 + (one.operation.beside?.length ?? 0)
    let current = open.get(line)
    if (
      current === undefined ||
      current.names + names + Math.max(current.depth, one.depth) > most.operations ||
      current.bytes + one.sizeBytes > most.bytes
    ) {
      current = { group: [], bytes: 0, names: 0, depth: 0 }
      open.set(line, current)
      groups.push(current.group)
    }
    current.group.push(one)
    current.bytes += one.sizeBytes
    current.names += names
    current.depth = Math.max(current.depth, one.depth)
  }
  return groups
}
