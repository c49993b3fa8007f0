import { UnreachableError } from '../../errors.js'
import type { Call } from '../store.js'
import { eventOf, nodeOf, type V2Event, type V2Node } from './answers.js'
import { type Etcdjs, endAll, hostCountOf, onHead, type Request, viewOf } from './client.js'
import { errorOf } from './errors.js'
import { History, type Known } from './history.js'
import { RequestLimiter } from './limiter.js'
import { type Asked, type Means, PATIENCE_MS, Question } from './question.js'

/** How long to wait for an answer that tells which history is the present one. */
const ASKED_WITHIN_MS = 2_000

export interface Write {
  readonly ttl: number
  readonly prevExist?: boolean
  readonly prevIndex?: number
}

/**
 * An etcdjs object’s calls as promises, each with a deadline. One that is not answered is sent once
 * more to the next host, so that a host that has frozen costs half a second; the first answer counts.
 * They reject with NoError where etcd’s answer is no.
 */
export class Calls {
  readonly #means: Means
  readonly #onTheirWay = new Set<Question>()
  /** Whether it is being asked for the present history. */
  #isAsking = false

  /** `replaced` is called when an answer proves it, before that answer is told to anybody. */
  constructor(client: Etcdjs, replaced: () => void) {
    const history = new History(() => {
      // What they were asked for was of the history that is over.
      this.#end('the store’s history was replaced')
      replaced()
    })
    this.#means = { client, history, limiter: new RequestLimiter() }
  }

  get hostCount(): number {
    return hostCountOf(this.#means.client)
  }

  /** Whether etcd answers, as far as is known. */
  get isHeard(): boolean {
    return this.#means.limiter.isHeard
  }

  /** What is known of the store’s history. */
  get known(): Known {
    return this.#means.history.known
  }

  /** What has been seen besides proves that what was known by then is of another history. */
  refute(known: Known): void {
    this.#means.history.refute(known)
  }

  async set(path: string, text: string, write: Write, call: Call): Promise<V2Node> {
    const key = keyOf(path)
    const body = await this.#ask(`writing ${path}`, call, (view, done) => {
      view.set(key, text, write, done)
    })
    return nodeOf(path, body)
  }

  /** Starts the ttl anew. Watches are not told of it; the node keeps its text and its `createdIndex`. */
  async refresh(
    path: string,
    { ttl, prevIndex }: Pick<Required<Write>, 'ttl' | 'prevIndex'>,
    call: Call,
  ): Promise<V2Node> {
    // etcdjs has no option for it, but leaves what a key ends in as it is.
    const key = `${keyOf(path)}?refresh=true`
    const body = await this.#ask(`renewing ${path}`, call, (view, done) => {
      view.set(key, '', { ttl, prevIndex }, done)
    })
    return nodeOf(path, body)
  }

  /** Linearizable. */
  async get(path: string, call: Call): Promise<V2Node | null> {
    const key = `${keyOf(path)}?quorum=true`
    const body = await this.#ask(`reading ${path}`, call, (view, done) => {
      view.get(key, {}, done)
    })
    return body === undefined ? null : nodeOf(path, body)
  }

  async delete(
    path: string,
    compare: { readonly prevIndex: number } | { readonly prevValue: string },
    call: Call,
  ): Promise<void> {
    const key = keyOf(path)
    await this.#ask(`vacating ${path}`, call, (view, done) => {
      view.del(key, compare, done)
    })
  }

  /**
   * The first event at the path from that index on; `null` when there is none within that time. A
   * member whose index is lower than what is known may lag behind, or have another history, which
   * would never get there: that is asked for at once.
   */
  wait(
    path: string,
    from: number,
    { timeoutMs }: Call,
    signal: AbortSignal,
  ): Promise<V2Event | null> {
    const doing = `watching ${path}`
    return new Promise((resolve, reject) => {
      const requests: Request[] = []
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        endAll(requests)
      }
      const giveUp = () => {
        end()
        resolve(null)
      }
      const timer = setTimeout(giveUp, timeoutMs)
      signal.addEventListener('abort', giveUp)
      // Longer than we do it does not wait.
      const view = viewOf(this.#means.client, requests, { timeoutMs: timeoutMs + PATIENCE_MS })
      const { known } = this
      view.get(keyOf(path), { wait: true, waitIndex: from }, (thrown, body) => {
        end()
        try {
          if (thrown) throw errorOf(doing, thrown, false)
          const event = eventOf(path, body)
          this.#means.history.heard({ clusterId: null, index: event.index }, known)
          resolve(event)
        } catch (error) {
          if (error instanceof UnreachableError) this.#means.limiter.missed()
          reject(error)
        }
      })
      onHead(requests[0], (head) => {
        if (this.#means.history.heard(head, known)) this.#askForHistory(path)
      })
    })
  }

  /** Ends what is on its way. */
  closeIdle(): void {
    this.#end('etcd did not answer before the store came to rest')
  }

  #end(why: string): void {
    for (const question of [...this.#onTheirWay]) question.fail(new UnreachableError(why))
  }

  /** By any linearizable answer. */
  #askForHistory(path: string): void {
    if (this.#isAsking) return
    this.#isAsking = true
    const asked = () => {
      this.#isAsking = false
    }
    this.get(path, { timeoutMs: ASKED_WITHIN_MS }).then(asked, asked)
  }

  #ask(doing: string, { timeoutMs }: Call, send: Asked['send']): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const question = new Question(
        this.#means,
        { doing, timeoutMs, send },
        {
          over: () => this.#onTheirWay.delete(question),
          answered: resolve,
          failed: reject,
        },
      )
      this.#onTheirWay.add(question)
      question.ask()
    })
  }
}

/** etcdjs puts keys into addresses as they are. */
function keyOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
