import { once } from 'node:events'
import { Etcd3, type Watcher } from 'etcd3'
import type { Contender } from './contender.js'

/** Counts how often an election has had a holder and then has none, as etcd tells whoever watches. */
export class Vacancies implements AsyncDisposable {
  readonly #client: Etcd3
  readonly #name: string
  readonly #watchers: readonly Watcher[]
  readonly #holders = new Set<string>()
  #count = 0

  private constructor(client: Etcd3, name: string, watchers: readonly [Watcher, Watcher]) {
    this.#client = client
    this.#name = name
    this.#watchers = watchers
    const [keys] = watchers
    keys.on('put', ({ key }) => this.#holders.add(key.toString()))
    keys.on('delete', ({ key }) => {
      this.#holders.delete(key.toString())
      if (this.#holders.size === 0) this.#count += 1
    })
  }

  static async of(contender: Contender, endpoint: string, name: string): Promise<Vacancies> {
    const client = new Etcd3({ hosts: `http://${endpoint}` })
    const { from, isPrefix } = contender.holderKeys(name)
    const keys = isPrefix ? client.watch().prefix(from) : client.watch().key(from)
    const looks = client.watch().key(looksOf(name))
    return new Vacancies(client, name, [await keys.create(), await looks.create()])
  }

  /** So far, all of it: what it is told of a key that is written now comes last. */
  async count(): Promise<number> {
    const [, looks] = this.#watchers
    if (looks === undefined) throw new Error('rolling-update: nobody looks')
    const looked = once(looks, 'put')
    await this.#client.put(looksOf(this.#name)).value('')
    await looked
    return this.#count
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#watchers.map((watcher) => watcher.cancel()))
    this.#client.close()
  }
}

function looksOf(name: string): string {
  return `looks${name}`
}
