import { Etcd3, type Lease, type Watcher } from 'etcd3'
import type { IRequestOp } from 'etcd3/lib/rpc.js'
import { now } from '../now.js'
import { type Candidate, type Contender, TTL } from './contender.js'

/** Within etcd’s default limit of 128 operations in a transaction. */
const MOST_TOGETHER = 120

interface Waiting {
  readonly key: string
  readonly value: string
  readonly elected: (at: number) => void
}

/**
 * The bare requests that an election cannot do without, with nothing around them: one lease, kept alive, a
 * compare-and-set for a claim (many in one transaction where they come together), one watch for all
 * paths from the revision after the claims, a delete. It copes with no fault at all.
 */
export class FloorContender implements Contender {
  readonly #client: Etcd3
  readonly #waiting = new Map<string, Waiting>()
  /** Kept alive by etcd3. */
  #lease: Lease | null = null
  #watcher: Watcher | null = null
  #made = 0

  constructor(endpoint: string) {
    this.#client = new Etcd3({ hosts: `http://${endpoint}` })
  }

  async warm(): Promise<void> {
    await this.#grant()
  }

  async join(paths: readonly string[]): Promise<readonly Candidate[]> {
    const candidates = paths.map((path) => {
      this.#made += 1
      let elected: (at: number) => void = () => undefined
      const electedAt = new Promise<number>((resolve) => {
        elected = resolve
      })
      const waiting: Waiting = { key: path, value: `node-${this.#made}`, elected }
      const leave = async () => {
        await this.#client.kv.deleteRange({ key: Buffer.from(path) })
      }
      return { waiting, electedAt: () => electedAt, leave }
    })
    const revision = await this.#claim(candidates.map(({ waiting }) => waiting))
    if (this.#waiting.size > 0 && this.#watcher === null) await this.#watch(revision)
    return candidates
  }

  async close(): Promise<void> {
    await this.#watcher?.cancel()
    await this.#lease?.revoke()
    this.#client.close()
  }

  #grant(): Promise<string> {
    this.#lease ??= this.#client.lease(TTL)
    return this.#lease.grant()
  }

  /** Claims all; those whose path is held wait. Resolves with the latest revision seen. */
  async #claim(all: readonly Waiting[]): Promise<number> {
    const lease = await this.#grant()
    const groups = Array.from({ length: Math.ceil(all.length / MOST_TOGETHER) }, (_, index) =>
      all.slice(index * MOST_TOGETHER, (index + 1) * MOST_TOGETHER),
    )
    const revisions = await Promise.all(
      groups.map(async (group) => {
        const { header, responses } = await this.#client.kv.txn({
          success: group.map((one) => claimOf(one, lease)),
        })
        const at = now()
        group.forEach((one, index) => {
          if (responses[index]?.response_txn?.succeeded) one.elected(at)
          else this.#waiting.set(one.key, one)
        })
        return Number(header.revision)
      }),
    )
    return Math.max(...revisions)
  }

  async #watch(revision: number): Promise<void> {
    const [first] = this.#waiting.keys()
    if (first === undefined) return
    // One for all paths of a measurement, which begin alike.
    this.#watcher = await this.#client
      .watch()
      .startRevision(`${revision + 1}`)
      .prefix(first.slice(0, first.lastIndexOf('/') + 1))
      .create()
    this.#watcher.on('data', ({ events }) => {
      const free = events.flatMap(({ type, kv }) => {
        const waiting = String(type) === 'Delete' && this.#waiting.get(kv.key.toString())
        return waiting ? [waiting] : []
      })
      for (const { key } of free) this.#waiting.delete(key)
      if (free.length > 0) void this.#claim(free)
    })
  }
}

function claimOf({ key, value }: Waiting, lease: string): IRequestOp {
  const path = Buffer.from(key)
  return {
    request_txn: {
      compare: [{ key: path, target: 'Create', result: 'Equal', create_revision: 0 }],
      success: [{ request_put: { key: path, value: Buffer.from(value), lease } }],
      failure: [{ request_range: { key: path } }],
    },
  }
}
