import { type LockedError, UnreachableError } from '../../errors.js'
import type { Call } from '../store.js'
import { eventOf, nodeOf, type V2Event, type V2Node } from './answers.js'
import { type Etcdjs, endAll, hostCountOf, onHead, type Request, viewOf } from './client.js'
import { errorOf, NoError } from './errors.js'
import { type Head, History, type Known } from './history.js'
import { RequestLimiter } from './limiter.js'

/** An answer that takes longer is asked for once more, at the next host. */
const PATIENCE_MS = 500
/** How long to wait for an answer that tells which history is the present one. */
const ASKED_WITHIN_MS = 2_000

export interface Write {
  readonly ttl: number
  readonly prevExist?: boolean
  readonly prevIndex?: number
}

type Send = (view: Etcdjs, done: (error: unknown, body?: unknown) => void) => void

/** Time that several calls in a row share. */
export class Time {
  readonly #endsAt: number

  constructor({ timeoutMs }: Call) {
    this.#endsAt = performance.now() + timeoutMs
  }

  /** What is left for the next call. */
  get left(): Call {
    return { timeoutMs: Math.max(0, this.#endsAt - performance.now()) }
  }
}

/**
 * An etcdjs object’s calls as promises, each with a deadline. One that is not answered is sent once
 * more to the next host, so that a host that has frozen costs half a second; the first answer counts.
 * They reject with NoError where etcd’s answer is no.
 */
export class Calls {
  readonly #client: Etcdjs
  readonly #history: History
  readonly #turns = new RequestLimiter()
  /** What ends each call on its way. */
  readonly #onTheirWay = new Set<(error: LockedError) => void>()
  /** Whether it is being asked for the present history. */
  #isAsking = false

  /** `replaced` is called when an answer proves it, before that answer is told to anybody. */
  constructor(client: Etcdjs, replaced: () => void) {
    this.#client = client
    this.#history = new History(() => {
      // What they were asked for was of the history that is over.
      this.#end('the store’s history was replaced')
      replaced()
    })
  }

  get hostCount(): number {
    return hostCountOf(this.#client)
  }

  /** Whether etcd answers, as far as is known. */
  get isHeard(): boolean {
    return this.#turns.isHeard
  }

  /** What is known of the store’s history. */
  get known(): Known {
    return this.#history.known
  }

  /** What has been seen besides proves that what was known by then is of another history. */
  refute(known: Known): void {
    this.#history.refute(known)
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
      const view = viewOf(this.#client, requests, { timeoutMs: timeoutMs + PATIENCE_MS })
      const { known } = this
      view.get(keyOf(path), { wait: true, waitIndex: from }, (thrown, body) => {
        end()
        try {
          if (thrown) throw errorOf(doing, thrown, false)
          const event = eventOf(path, body)
          this.#history.heard({ clusterId: null, index: event.index }, known)
          resolve(event)
        } catch (error) {
          if (error instanceof UnreachableError) this.#turns.missed()
          reject(error)
        }
      })
      onHead(requests[0], (head) => {
        if (this.#history.heard(head, known)) this.#askForHistory(path)
      })
    })
  }

  /** Ends what is on its way. */
  closeIdle(): void {
    this.#end('etcd did not answer before the store came to rest')
  }

  #end(why: string): void {
    for (const end of [...this.#onTheirWay]) end(new UnreachableError(why))
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

  #ask(doing: string, { timeoutMs }: Call, send: Send): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const requests: Request[] = []
      let sent = 0
      let failed = 0
      let isOver = false
      let again: NodeJS.Timeout | undefined
      let withdraw = () => {}

      const end = () => {
        isOver = true
        clearTimeout(deadline)
        clearTimeout(again)
        withdraw()
        endAll(requests)
        this.#onTheirWay.delete(fail)
        // Whatever was not answered no longer is on its way.
        for (; answered < sent; answered += 1) this.#turns.done()
      }
      const fail = (error: LockedError) => {
        end()
        reject(error)
      }
      let answered = 0
      const take = (thrown: unknown, body: unknown, head: Head, known: Known) => {
        if (isOver) return
        const error = thrown ? errorOf(doing, thrown, sent > 1) : null
        // Only what raft has carried out is linearizable, and be it in vain.
        if (error === null || error instanceof NoError) this.#history.answered(head, known)
        else this.#history.heard(head, known)
        if (isOver) {
          // It has shown that the history was replaced, and was ended with the others.
          this.#turns.heard()
          return
        }
        answered += 1
        this.#turns.done()
        if (!(error instanceof UnreachableError)) {
          this.#turns.heard()
          end()
          if (error === null) resolve(body)
          else reject(error)
          return
        }
        this.#turns.missed()
        failed += 1
        // One more than there are hosts: a connection that was kept open may be closed by now.
        if (failed > this.hostCount && answered === sent) fail(error)
        else if (answered === sent) attempt()
      }
      const begin = () => {
        sent += 1
        const sentAt = performance.now()
        clearTimeout(again)
        again = setTimeout(() => {
          // An answer that has arrived while the event loop was busy is heard first.
          again = undefined
          setImmediate(() => {
            if (isOver) return
            if (performance.now() - sentAt >= PATIENCE_MS) this.#turns.missed()
            attempt()
          })
        }, PATIENCE_MS)
        const { known } = this
        let head: Head = { clusterId: null, index: null }
        const before = requests.length
        send(viewOf(this.#client, requests, { timeoutMs }), (thrown, body) => {
          take(thrown, body, head, known)
        })
        onHead(requests[before], (told) => {
          head = told
        })
      }
      const attempt = () => {
        withdraw()
        withdraw = this.#turns.next(begin)
      }

      const deadline = setTimeout(() => {
        this.#turns.missed()
        fail(
          new UnreachableError(`${doing}: etcd did not answer within ${Math.round(timeoutMs)} ms`),
        )
      }, timeoutMs)
      this.#onTheirWay.add(fail)
      attempt()
    })
  }
}

/** etcdjs puts keys into addresses as they are. */
function keyOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
