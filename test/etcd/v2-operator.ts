import { setTimeout as sleep } from 'node:timers/promises'

/** An operator of etcd’s v2 API, with nothing but HTTP. */
export class V2Operator {
  readonly #endpoint: string

  constructor(endpoint: string) {
    this.#endpoint = endpoint
  }

  /** A plain set: what stood there is replaced, with its `createdIndex`. */
  set(path: string, value: string, ttl?: number): Promise<V2Answer> {
    return this.#ask(path, 'PUT', { value, ...(ttl !== undefined && { ttl: `${ttl}` }) })
  }

  /** Writes over what stands there, whose `createdIndex` remains, or anew. */
  async put(path: string, value: string, ttl?: number): Promise<void> {
    const form = { value, ...(ttl !== undefined && { ttl: `${ttl}` }) }
    for (;;) {
      const { errorCode: isNot } = await this.#ask(path, 'PUT', { ...form, prevExist: 'true' })
      if (isNot === undefined) return
      const { errorCode: isThere } = await this.#ask(path, 'PUT', { ...form, prevExist: 'false' })
      if (isThere === undefined) return
    }
  }

  delete(path: string): Promise<V2Answer> {
    return this.#ask(path, 'DELETE')
  }

  get(path: string): Promise<V2Answer> {
    return this.#ask(`${path}`, 'GET')
  }

  /** etcd keeps the last 1,000 events: so many others drive out all that came before. */
  async compact(): Promise<void> {
    for (let round = 0; round < 25; round += 1) {
      await Promise.all(
        Array.from({ length: 41 }, (_, n) => this.set(`compacted/${n}`, `${round}`)),
      )
    }
  }

  async #ask(path: string, method: string, form?: Record<string, string>): Promise<V2Answer> {
    const key = path.split('/').map(encodeURIComponent).join('/').replace(/^\//, '')
    const address = `http://${this.#endpoint}/v2/keys/${key}`
    for (;;) {
      const response = await fetch(address, {
        method,
        ...(form && { body: new URLSearchParams(form) }),
      })
      const answer = (await response.json()) as V2Answer
      // Raft has no leader for a moment.
      if (answer.errorCode !== 300 && answer.errorCode !== 301) return answer
      await sleep(50)
    }
  }
}

export interface V2Answer {
  readonly errorCode?: number
  readonly node?: {
    readonly value?: string
    readonly ttl?: number
    readonly createdIndex: number
    readonly modifiedIndex: number
  }
}
