import { type LockedError, UnreachableError } from '../errors.js'
import { eventOf, nodeOf, type V2Event, type V2Node } from './etcdjs-answers.js'
import { type Etcdjs, endAll, hostCountOf, type Request, viewOf } from './etcdjs-client.js'
import { errorOf } from './etcdjs-errors.js'
import { Turns } from './etcdjs-turns.js'
import type { Call } from './store.js'

/** An answer that takes longer is asked for once more, at the next host. */
const PATIENCE_MS = 500

export interface Write {
  readonly ttl: number
  readonly prevExist?: boolean
  readonly prevIndex?: number
}

type Send = (view: Etcdjs, done: (error: unknown, body?: unknown) => void) => void

/** Time that several calls in a row share. */
export class Time {
  readonly #endsAt: number

  constructor({ withinMs }: Call) {
    this.#endsAt = performance.now() + withinMs
  }

  /** What is left for the next call. */
  get left(): Call {
    return { withinMs: Math.max(0, this.#endsAt - performance.now()) }
  }
}

/**
 * An etcdjs object’s calls as promises, each with a deadline. One that is not answered is sent once
 * more to the next host, so that a host that has frozen costs half a second; the first answer counts.
 * They reject with NoError where etcd’s answer is no.
 */
export class Calls {
  readonly #client: Etcdjs
  readonly #turns = new Turns()
  /** What ends each call on its way. */
  readonly #onTheirWay = new Set<(error: LockedError) => void>()

  constructor(client: Etcdjs) {
    this.#client = client
  }

  get hostCount(): number {
    return hostCountOf(this.#client)
  }

  /** Whether etcd answers, as far as is known. */
  get isHeard(): boolean {
    return this.#turns.isHeard
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

  /** The first event at the path from that index on; `null` when there is none within that time. */
  wait(
    path: string,
    from: number,
    { withinMs }: Call,
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
      const timer = setTimeout(giveUp, withinMs)
      signal.addEventListener('abort', giveUp)
      // Longer than we do it does not wait.
      const view = viewOf(this.#client, requests, { withinMs: withinMs + PATIENCE_MS })
      view.get(keyOf(path), { wait: true, waitIndex: from }, (thrown, body) => {
        end()
        try {
          if (thrown) throw errorOf(doing, thrown, false)
          resolve(eventOf(path, body))
        } catch (error) {
          if (error instanceof UnreachableError) this.#turns.missed()
          reject(error)
        }
      })
    })
  }

  /** Ends what is on its way. */
  rest(): void {
    for (const end of [...this.#onTheirWay]) {
      end(new UnreachableError('etcd did not answer before the store came to rest'))
    }
  }

  #ask(doing: string, { withinMs }: Call, send: Send): Promise<unknown> {
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
      const take = (thrown: unknown, body: unknown) => {
        if (isOver) return
        answered += 1
        this.#turns.done()
        const error = thrown ? errorOf(doing, thrown, sent > 1) : null
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
        send(viewOf(this.#client, requests, { withinMs }), take)
      }
      const attempt = () => {
        withdraw()
        withdraw = this.#turns.next(begin)
      }

      const deadline = setTimeout(() => {
        this.#turns.missed()
        fail(
          new UnreachableError(`${doing}: etcd did not answer within ${Math.round(withinMs)} ms`),
        )
      }, withinMs)
      this.#onTheirWay.add(fail)
      attempt()
    })
  }
}

/** etcdjs puts keys into addresses as they are. */
function keyOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
