import { UnreachableError } from '../../errors.js'
import type { Call } from '../store.js'
import { leavesOf, nodeOf, type V2Node } from './answers.js'
import { type Etcdjs, endAll, hostCountOf, onHead, type Request, viewOf } from './client.js'
import { errorOf } from './errors.js'
import { type Head, History, type Known } from './history.js'
import { RequestLimiter } from './limiter.js'
import { type Asked, type Means, PATIENCE_MS, Question } from './question.js'

/** How long to wait for an answer that tells which history is the present one. */
const ASKED_WITHIN_MS = 2_000

/** The answer to a question, with what its head says. */
interface Answer {
  readonly body: unknown
  readonly head: Head
}

/** What stood somewhere; `index` is the store's by then, if the answer told it. */
interface AsOf<Found> {
  readonly found: Found
  readonly index: number | null
}

export interface Write {
  readonly ttl: number
  readonly prevExist?: boolean
  readonly prevIndex?: number
}

/** What is waited for. */
interface Wait {
  readonly path: string
  readonly from: number
  readonly recursive: boolean
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
    const { body } = await this.#ask(`writing ${path}`, call, (view, done) => {
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
    const { body } = await this.#ask(`renewing ${path}`, call, (view, done) => {
      view.set(key, '', { ttl, prevIndex }, done)
    })
    return nodeOf(path, body)
  }

  /** Linearizable. */
  async get(path: string, call: Call): Promise<V2Node | null> {
    return (await this.getAsOf(path, call)).found
  }

  /** Linearizable. */
  async getAsOf(path: string, call: Call): Promise<AsOf<V2Node | null>> {
    const { body, head } = await this.#get(path, false, call)
    return { found: body === undefined ? null : nodeOf(path, body), index: head.index }
  }

  /** All that stands in a directory and below it, by path; linearizable. */
  async getAll(directory: string, call: Call): Promise<AsOf<ReadonlyMap<string, V2Node>>> {
    const { body, head } = await this.#get(directory, true, call)
    return { found: leavesOf(body), index: head.index }
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
   * The first event at the path (of a directory, in or below it) from that index on, as `read` makes it
   * of etcd's answer; `null` when there is none within that time. A
   * member whose index is lower than what is known may lag behind, or have another history, which
   * would never get there: that is asked for at once.
   */
  wait<Event extends { readonly index: number }>(
    { path, from, recursive }: Wait,
    { timeoutMs }: Call,
    signal: AbortSignal,
    read: (path: string, body: unknown) => Event,
  ): Promise<Event | null> {
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
      view.get(keyOf(path), { wait: true, waitIndex: from, recursive }, (thrown, body) => {
        end()
        try {
          if (thrown) throw errorOf(doing, thrown, false)
          const event = read(path, body)
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

  #get(path: string, recursive: boolean, call: Call): Promise<Answer> {
    const key = `${keyOf(path)}?quorum=true`
    return this.#ask(`reading ${path}`, call, (view, done) => {
      view.get(key, { recursive }, done)
    })
  }

  #ask(doing: string, { timeoutMs }: Call, send: Asked['send']): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const question = new Question(
        this.#means,
        { doing, timeoutMs, send },
        {
          over: () => this.#onTheirWay.delete(question),
          answered: (body, head) => resolve({ body, head }),
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
