import { Etcd3 } from 'etcd3'
import { type ElectionRecord, encodeRecord } from '../../src/record.js'
import { candidateAt } from '../../src/stores/candidates.js'

/** etcd takes so many operations in one transaction. */
const TOGETHER = 100
const AT_A_TIME = 4
const LEASE_SECONDS = 3_600

interface Held {
  readonly path: string
  readonly record: ElectionRecord
}

/** What stands in etcd where many elections go on, each with a leader and a candidate. */
export class Elections {
  readonly #client: Etcd3
  readonly #lease: string
  readonly #held: Held[]
  /** How many times each path has been written anew. */
  #rounds = 0

  private constructor(client: Etcd3, lease: string, held: Held[]) {
    this.#client = client
    this.#lease = lease
    this.#held = held
  }

  /** Resolves once all of them stand there. */
  static async write(endpoint: string, paths: readonly string[]): Promise<Elections> {
    const client = new Etcd3({ hosts: endpoint })
    const { ID } = await client.leaseClient.leaseGrant({ TTL: LEASE_SECONDS })
    const held = paths.map((path, index) => ({ path, record: recordOf(`holder-${index}`, 0) }))
    const elections = new Elections(client, ID, held)
    await inTurns(chunksOf(paths), async (some) => {
      await elections.#put(
        some.map((path) => {
          const record = recordOf(`candidate of ${path}`, 0)
          return [candidateAt(path, record.instance), record]
        }),
      )
    })
    await inTurns(chunksOf(held), async (some) => {
      await elections.#put(some.map(({ path, record }) => [path, record]))
    })
    return elections
  }

  /** Writes at every path once: every second time another holder is installed, otherwise a value. */
  async change(): Promise<void> {
    this.#rounds += 1
    const isHandOver = this.#rounds % 2 === 1
    const places = this.#held.map((_, place) => place)
    await inTurns(chunksOf(places), async (some) => {
      const next = some.map((place) => this.#next(place, isHandOver))
      const revision = await this.#put(next.map(({ path, record }) => [path, record]))
      some.forEach((place, at) => {
        const one = next[at]
        if (one === undefined) return
        const token = isHandOver ? revision : one.record.token
        this.#held[place] = { ...one, record: { ...one.record, ...(token != null && { token }) } }
      })
    })
  }

  close(): void {
    this.#client.close()
  }

  #next(place: number, isHandOver: boolean): Held {
    const before = this.#held[place]
    if (before === undefined) throw new Error(`bench: there is no election ${place}`)
    const { path, record } = before
    if (!isHandOver) return { path, record: { ...record, value: this.#rounds } }
    // As a hand-over writes it: the token is the revision at which that is written.
    return { path, record: { ...recordOf(`holder-${place}-${this.#rounds}`, 0), token: null } }
  }

  async #put(entries: readonly (readonly [key: string, record: ElectionRecord])[]) {
    const { header } = await this.#client.kv.txn({
      success: entries.map(([key, record]) => ({
        request_put: {
          key: Buffer.from(key),
          value: Buffer.from(encodeRecord(record)),
          lease: this.#lease,
        },
      })),
    })
    return Number(header.revision)
  }
}

function recordOf(id: string, value: number): ElectionRecord {
  return { id, value, instance: crypto.randomUUID() }
}

function chunksOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / TOGETHER) }, (_, index) =>
    all.slice(index * TOGETHER, (index + 1) * TOGETHER),
  )
}

/** A few at a time. */
async function inTurns<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values()
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (const one of waiting) await act(one)
    }),
  )
}
