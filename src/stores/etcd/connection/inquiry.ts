import type { CallOptions } from '@grpc/grpc-js'
import { HeldUpError, PermissionError } from '../errors.js'
import { type Header, History, type Mark } from '../history.js'
import { asUser } from './as-user.js'
import type { Connection, EtcdClient } from './endpoint.js'

/** While no key is known that may be read. Not being allowed to is an answer too, but one without a header. */
const ANY_KEY = Buffer.from('locked')

/** Asks the member in use something. */
type Question = (client: EtcdClient, options: CallOptions) => Promise<{ readonly header: Header }>

/** What the answers of all members tell of etcd's history, and the question which it is. */
export class Inquiry {
  readonly history = new History()
  readonly #send: (question: Question) => Promise<unknown> | null
  #readableKey: Buffer = ANY_KEY
  #isAsking = false

  /** @param send Has a question answered, and what it is answered heard; `null` where no member is in use. */
  constructor(send: (question: Question) => Promise<unknown> | null) {
    this.#send = send
  }

  /** `key` can be read: it serves to ask etcd something to which the answer has a header. */
  mayRead(key: Buffer): void {
    this.#readableKey = key
  }

  /**
   * Learns from an answer. A member that is behind what was known when it was asked may only lag, or
   * be of another history: a linearizable read tells which, and is sent at once.
   */
  hear(header: Header, mark: Mark, how: { readonly isLinearizable: boolean }): void {
    this.history.learn(header, mark, how)
    if (Number(header.revision) < mark.revision && !this.history.isReplacedSince(mark)) this.ask()
  }

  /** Asks etcd which history it has. */
  ask(): void {
    if (this.#isAsking) return
    const asking = this.#send((client, options) => this.#read(client, options))
    if (asking === null) return
    this.#isAsking = true
    const done = () => {
      this.#isAsking = false
    }
    asking.then(done, done)
  }

  /**
   * Resolves if that member answers, whatever the answer. It is what follows each loss of a connection,
   * and so tells at once of a history that was replaced.
   */
  async probe(connection: Connection, timeoutMs: number): Promise<void> {
    const { mark } = this.history
    const deadline = Date.now() + timeoutMs
    try {
      const { header } = await asUser(connection, 'asking etcd', () =>
        this.#read(connection.client, { deadline }),
      )
      this.hear(header, mark, { isLinearizable: true })
    } catch (error) {
      // Not being allowed to read that key is an answer, and so is not to be served for now.
      if (!(error instanceof PermissionError || error instanceof HeldUpError)) throw error
    }
  }

  /** Resolves if that member answers without asking any other, whatever the answer. */
  async touch(connection: Connection, timeoutMs: number): Promise<void> {
    const options = { deadline: Date.now() + timeoutMs }
    try {
      await asUser(connection, 'asking etcd', () => this.#read(connection.client, options, true))
    } catch (error) {
      if (!(error instanceof PermissionError || error instanceof HeldUpError)) throw error
    }
  }

  /** A linearizable read, or one that the member answers by itself. */
  #read(
    client: EtcdClient,
    options: CallOptions,
    serializable = false,
  ): Promise<{ readonly header: Header }> {
    return client.kv.range({ key: this.#readableKey, keys_only: true, serializable }, options)
  }
}
