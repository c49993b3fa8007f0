import type { Etcd3 } from 'etcd3'
import { V2Operator } from '../etcd/v2-operator.js'

/** The tests run once for each client that a competitor may be given. */
export const client = process.env.LOCKED_TEST_CLIENT === 'etcdjs' ? 'etcdjs' : 'etcd3'

/** What an operator does by hand, on either of etcd’s APIs. */
export interface Hand {
  /** What stands at a path. */
  get(path: string): Promise<string | null>
  /** Writes over whatever stands there, for so many seconds or for good. */
  put(path: string, text: string, ttl?: number): Promise<void>
  delete(path: string): Promise<void>
  /** Drops the history. */
  compact(): Promise<void>
}

export class V3Hand implements Hand {
  readonly #client: Etcd3

  constructor(client: Etcd3) {
    this.#client = client
  }

  get(path: string): Promise<string | null> {
    return this.#client.get(path).string()
  }

  async put(path: string, text: string, ttl?: number): Promise<void> {
    const put = this.#client.put(path).value(text)
    if (ttl === undefined) {
      await put
      return
    }
    const { ID } = await this.#client.leaseClient.leaseGrant({ TTL: ttl })
    await put.lease(ID)
  }

  async delete(path: string): Promise<void> {
    await this.#client.delete().key(path)
  }

  async compact(): Promise<void> {
    for (let index = 0; index < 3; index += 1) await this.put('other', `${index}`)
    const { header } = await this.#client.get('other').exec()
    await this.#client.kv.compact({ revision: header.revision, physical: true })
  }
}

export class V2Hand implements Hand {
  readonly #operator: V2Operator

  constructor(endpoint: string) {
    this.#operator = new V2Operator(endpoint)
  }

  async get(path: string): Promise<string | null> {
    const { node } = await this.#operator.get(path)
    return node?.value ?? null
  }

  async put(path: string, text: string, ttl?: number): Promise<void> {
    await this.#operator.set(path, text, ttl)
  }

  async delete(path: string): Promise<void> {
    await this.#operator.delete(path)
  }

  compact(): Promise<void> {
    return this.#operator.compact()
  }
}
