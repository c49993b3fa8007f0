import { type LockedError, UnreachableError } from '../../errors.js'
import { type Etcdjs, endAll, hostCountOf, onHead, type Request, viewOf } from './client.js'
import { errorOf, NoError } from './errors.js'
import type { Head, History, Known } from './history.js'
import type { RequestLimiter } from './limiter.js'

/** An answer that takes longer is asked for once more, at the next host. */
export const PATIENCE_MS = 500

/** What all questions to a store share. */
export interface Means {
  readonly client: Etcdjs
  readonly history: History
  readonly limiter: RequestLimiter
}

/** What is asked. */
export interface Asked {
  /** What messages begin with. */
  readonly doing: string
  readonly timeoutMs: number
  /** Makes one request with that view of the client. */
  send(view: Etcdjs, done: (error: unknown, body?: unknown) => void): void
}

/** Who is told what came of it; `over` comes first, and one of the others with it. */
interface Asker {
  over(): void
  answered(body: unknown, head: Head): void
  failed(error: LockedError): void
}

/**
 * One question to etcd, put to one host after the other until one answers. Of several requests on
 * their way, the first answer counts.
 */
export class Question {
  readonly #means: Means
  readonly #asked: Asked
  readonly #asker: Asker
  /** Of etcdjs, one for each that was sent. */
  readonly #requests: Request[] = []
  #sent = 0
  /** How many of those were answered, all of them in vain: with another answer it is over. */
  #answered = 0
  #isOver = false
  #deadline: NodeJS.Timeout | undefined
  #patience: NodeJS.Timeout | undefined
  /** Takes back the request that waits for its turn. */
  #withdraw = () => {}

  constructor(means: Means, asked: Asked, asker: Asker) {
    this.#means = means
    this.#asked = asked
    this.#asker = asker
  }

  ask(): void {
    const { doing, timeoutMs } = this.#asked
    this.#deadline = setTimeout(() => {
      this.#means.limiter.missed()
      this.fail(
        new UnreachableError(`${doing}: etcd did not answer within ${Math.round(timeoutMs)} ms`),
      )
    }, timeoutMs)
    this.#askNext()
  }

  /** Ends what is on its way, and the question with it. */
  fail(error: LockedError): void {
    if (this.#isOver) return
    this.#end()
    this.#asker.failed(error)
  }

  /** Puts it to the next host, as soon as a request may be sent. */
  #askNext(): void {
    this.#withdraw()
    this.#withdraw = this.#means.limiter.next(() => this.#send())
  }

  #send(): void {
    const { client, history } = this.#means
    const { timeoutMs, send } = this.#asked
    this.#sent += 1
    this.#bePatient()
    const { known } = history
    let head: Head = { clusterId: null, index: null }
    const before = this.#requests.length
    send(viewOf(client, this.#requests, { timeoutMs }), (thrown, body) => {
      this.#take(thrown, body, head, known)
    })
    onHead(this.#requests[before], (told) => {
      head = told
    })
  }

  /** Asks the next host as well when this one has not answered for a while. */
  #bePatient(): void {
    const sentAt = performance.now()
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => {
      // An answer that has arrived while the event loop was busy is heard first.
      setImmediate(() => {
        if (this.#isOver) return
        if (performance.now() - sentAt >= PATIENCE_MS) this.#means.limiter.missed()
        this.#askNext()
      })
    }, PATIENCE_MS)
  }

  #take(thrown: unknown, body: unknown, head: Head, known: Known): void {
    if (this.#isOver) return
    const { limiter } = this.#means
    const error = thrown ? errorOf(this.#asked.doing, thrown, this.#sent > 1) : null
    this.#learn(error, head, known)
    if (this.#isOver) {
      // It has shown that the history was replaced, and was ended with the others.
      limiter.heard()
      return
    }
    this.#answered += 1
    limiter.done()
    if (error instanceof UnreachableError) {
      limiter.missed()
      this.#goOn(error)
      return
    }
    limiter.heard()
    this.#end()
    if (error === null) this.#asker.answered(body, head)
    else this.#asker.failed(error)
  }

  /** Only what raft has carried out is linearizable, and be it in vain. */
  #learn(error: LockedError | null, head: Head, known: Known): void {
    const { history } = this.#means
    if (error === null || error instanceof NoError) history.answered(head, known)
    else history.heard(head, known)
  }

  /** A host was asked in vain. */
  #goOn(error: UnreachableError): void {
    if (this.#answered < this.#sent) return
    // One more than there are hosts: a connection that was kept open may be closed by now.
    if (this.#answered > hostCountOf(this.#means.client)) this.fail(error)
    else this.#askNext()
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#deadline)
    clearTimeout(this.#patience)
    this.#withdraw()
    endAll(this.#requests)
    this.#asker.over()
    // Whatever was not answered no longer is on its way.
    for (; this.#answered < this.#sent; this.#answered += 1) this.#means.limiter.done()
  }
}
