import type { Clock } from '../clock.js'
import { UnreachableError } from '../errors.js'
import type {
  Call,
  Candidacy,
  Candidates,
  CandidatesListener,
  Claim,
  Lease,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from './store.js'

/** So long a stream that lost something takes to notice. */
const NOTICED_AFTER_MS = 1_000
const NOTHING = () => undefined

/** What is on its way between a process and a store: a request, or an answer, as a watch event is one. */
export interface Message {
  /** The call that it is of; `null` for a request that is none of a store’s. */
  readonly call: keyof Store | keyof Candidates | null
  readonly isAnswer: boolean
}

/**
 * How a message fares on its way: how long it takes, in milliseconds, or what has to happen before it
 * arrives; that it is lost; or what the process gets for an answer. A request that is answered so is
 * not carried out.
 */
export type Fate = number | Promise<unknown> | 'lost' | Error

/**
 * What the answer to a request tells of the store's history. One member's own answer is a hint only
 * that the history was replaced, and a linearizable one proves it. What a `write` has done is not
 * known when it does: it was sent to another history than the one that answers.
 */
export type RequestKind = 'own' | 'linearizable' | 'write'

/**
 * A network between one process and a store. Requests, answers and watch events each take their
 * time, in milliseconds of the store's clock. What is under way while the link is frozen arrives
 * after it has healed; what is sent while it is cut is lost, answers included.
 *
 * When the store's history is replaced, streams break, and the process hears of it as with etcd: by
 * the first linearizable answer of the new history. If it watches anything it asks at once.
 */
export class Link implements Store {
  /** Those of the store behind it, if it has any. */
  readonly candidates?: Candidates
  readonly #store: Store
  readonly #clock: Clock
  readonly #fate: (message: Message) => Fate
  #state: 'up' | 'frozen' | 'cut' | 'dead' = 'up'
  #held: (() => void)[] = []
  readonly #watches = new Set<LinkedWatch>()
  readonly #resetListeners = new Set<() => void>()
  /** How many histories the store has had before this one. */
  #history = 0
  #known = 0
  #isAsking = false

  constructor(store: Store, clock: Clock, fate: (message: Message) => Fate = () => 0) {
    this.#store = store
    this.#clock = clock
    this.#fate = fate
    if (store.candidates !== undefined) this.candidates = this.#linked(store.candidates)
    store.onReset?.(() => this.#breakStreams())
  }

  /** What `freeze`, `cut`, `heal` and `kill` have made of it. */
  get state(): 'up' | 'frozen' | 'cut' | 'dead' {
    return this.#state
  }

  /** Whether what happens at the store now is heard without delay: no watch has lost anything. */
  get hears(): boolean {
    return (
      this.#state === 'up' &&
      this.#isCurrent &&
      [...this.#watches].every((watch) => !watch.isInterrupted)
    )
  }

  /** The history that the process has heard of last: how many the store had before it. */
  get history(): number {
    return this.#known
  }

  /** Nothing arrives any more, in either direction, until `heal`. */
  freeze(): void {
    if (this.#state !== 'dead') this.#state = 'frozen'
  }

  /** Everything sent from now on is lost, until `heal`. */
  cut(): void {
    if (this.#state !== 'dead') this.#state = 'cut'
  }

  /** What was held by `freeze` arrives now, and watches catch up. */
  heal(): void {
    if (this.#state === 'dead') return
    this.#state = 'up'
    const held = this.#held
    this.#held = []
    for (const deliver of held) deliver()
    for (const watch of this.#watches) watch.resume()
  }

  /** The process behind the link is gone: nothing of it arrives, now or later. */
  kill(): void {
    this.#state = 'dead'
    this.#held = []
    this.#resetListeners.clear()
    for (const watch of [...this.#watches]) watch.close()
  }

  grant(ttl: number, call: Call): Promise<Lease> {
    return this.request('own', call, () => this.#store.grant(ttl, call), 'grant')
  }

  renew(lease: Lease, call: Call, paths: Iterable<string>): Promise<number> {
    return this.request('linearizable', call, () => this.#store.renew(lease, call, paths), 'renew')
  }

  revoke(lease: Lease, call: Call): Promise<void> {
    return this.request('own', call, () => this.#store.revoke(lease, call), 'revoke')
  }

  claim(
    path: string,
    text: string,
    lease: Lease,
    call: Call,
    candidacy?: Candidacy,
  ): Promise<Claim> {
    const claim = () => this.#store.claim(path, text, lease, call, candidacy)
    return this.request('write', call, claim, 'claim')
  }

  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    return this.request(
      'write',
      call,
      () => this.#store.propose(path, text, reign, call),
      'propose',
    )
  }

  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<void> {
    return this.request(
      'write',
      call,
      () => this.#store.release(path, reign, notice, call),
      'release',
    )
  }

  /** What stands at `path` now. */
  read(path: string, call: Call): Promise<Sighting> {
    return this.request('linearizable', call, () => this.#store.read(path, call), 'read')
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const watch = new LinkedWatch(
      (next, told) => (this.#isCurrent ? this.#store.watch(path, next, told) : null),
      (deliver, lost) => this.#send({ call: 'watch', isAnswer: true }, deliver, lost),
      (resume) => this.#clock.setTimeout(resume, NOTICED_AFTER_MS),
      from,
      listener,
      () => this.#watches.delete(watch),
    )
    this.#watches.add(watch)
    this.#reconnect()
    return watch
  }

  /** `listener` is called before anything of a new history is told. */
  onReset(listener: () => void): void {
    this.#resetListeners.add(listener)
  }

  closeIdle(): void {
    this.#store.closeIdle()
  }

  /**
   * Sends a request, which is carried out when it arrives, if it does; its answer then has its own
   * way back. Rejects with UnreachableError if none has come in time.
   */
  request<Answer>(
    kind: RequestKind,
    { timeoutMs }: Call,
    carryOut: () => Promise<Answer>,
    call: Message['call'] = null,
  ): Promise<Answer> {
    const sentIn = this.#known
    return new Promise((resolve, reject) => {
      let isAwaited = true
      const timer = this.#clock.setTimeout(() => {
        isAwaited = false
        reject(new UnreachableError(`no answer within ${Math.round(timeoutMs)} ms`))
      }, timeoutMs)
      const end = (settle: () => void) => {
        this.#clock.clearTimeout(timer)
        if (isAwaited) settle()
      }
      const answer = (settle: () => void) =>
        this.#send(
          { call, isAnswer: true },
          () => end(settle),
          NOTHING,
          (error) => end(() => reject(error)),
        )
      const arrive = () => {
        const history = this.#history
        carryOut().then(
          (result) => {
            // A store that is far away itself hears of another history by an answer like this one,
            // and whether it is of the history before or of the one after cannot be told.
            const now = this.#history
            answer(() => {
              this.#hear(now, kind)
              const isKnown = history === now && (kind !== 'write' || sentIn === this.#known)
              if (isKnown) resolve(result)
              else reject(new UnreachableError('the store’s history was replaced meanwhile'))
            })
          },
          // etcd's errors do not say of which history they are.
          (error: unknown) => answer(() => reject(error)),
        )
      }
      this.#send({ call, isAnswer: false }, arrive, NOTHING, (error) => answer(() => reject(error)))
    })
  }

  #linked(of: Candidates): Candidates {
    return {
      enter: (path, candidacy, lease, call) =>
        this.request('write', call, () => of.enter(path, candidacy, lease, call), 'enter'),
      leave: (path, instance, call) =>
        this.request('write', call, () => of.leave(path, instance, call), 'leave'),
      list: (path, call) => this.request('linearizable', call, () => of.list(path, call), 'list'),
      install: (path, reign, candidate, call) =>
        this.request('write', call, () => of.install(path, reign, candidate, call), 'install'),
      follow: (path, from, listener) => this.#follow(of, path, from, listener),
      askTransfer: (path, to, lease, call) =>
        this.request('write', call, () => of.askTransfer(path, to, lease, call), 'askTransfer'),
      isOverdue: (lease, call) =>
        this.request('own', call, () => of.isOverdue(lease, call), 'isOverdue'),
    }
  }

  /**
   * What is lost on its way is told as a gap, once that is noticed. Each arrival delivers the oldest, as
   * on a watch.
   */
  #follow(of: Candidates, path: string, from: number, listener: CandidatesListener): Watch {
    let isOpen = true
    let noticing: unknown = null
    let waiting: (() => void)[] = []
    const lose = () => {
      if (!isOpen || noticing !== null) return
      waiting = []
      noticing = this.#clock.setTimeout(() => {
        isOpen = false
        listener.lost()
      }, NOTICED_AFTER_MS)
    }
    const tell = (deliver: () => void) => {
      if (noticing !== null) return
      waiting.push(deliver)
      const arrive = () => {
        const oldest = waiting.shift()
        if (isOpen) oldest?.()
      }
      if (!this.#send({ call: 'follow', isAnswer: true }, arrive, lose)) lose()
    }
    const watch = of.follow(path, from, {
      entered: (candidate) => tell(() => listener.entered(candidate)),
      left: (instance) => tell(() => listener.left(instance)),
      lost: lose,
      asked: (request) => tell(() => listener.asked?.(request)),
    })
    return {
      close: () => {
        isOpen = false
        if (noticing !== null) this.#clock.clearTimeout(noticing)
        watch.close()
      },
    }
  }

  get #isCurrent(): boolean {
    return this.#known === this.#history
  }

  #breakStreams(): void {
    this.#history += 1
    for (const watch of this.#watches) watch.interrupt()
    const later = () => void this.#clock.setTimeout(() => this.#reconnect(), NOTICED_AFTER_MS)
    const end: Message = { call: 'watch', isAnswer: true }
    if (!this.#send(end, () => this.#reconnect(), later)) later()
  }

  /** Learns from an answer. */
  #hear(history: number, kind: RequestKind): void {
    if (history <= this.#known) return
    if (kind === 'own') {
      this.#ask()
      return
    }
    this.#known = history
    for (const listener of [...this.#resetListeners]) listener()
    for (const watch of [...this.#watches]) watch.resume()
  }

  /** Whoever watches opens a stream again when it breaks, and asks which history this is before. */
  #reconnect(): void {
    if (this.#watches.size > 0) this.#ask()
  }

  #ask(): void {
    if (this.#isCurrent || this.#isAsking || this.#state === 'dead') return
    this.#isAsking = true
    const done = () => {
      this.#isAsking = false
      this.#reconnect()
    }
    const call = { timeoutMs: NOTICED_AFTER_MS }
    this.request('linearizable', call, async () => undefined, 'onReset').then(done, done)
  }

  /**
   * Whether the message is on its way; `false` when it is lost. One that is lost on its way, because
   * the link is cut meanwhile, is told by `lost`, and what comes instead of it by `fail`.
   */
  #send(
    message: Message,
    deliver: () => void,
    lost: () => void = NOTHING,
    fail: (error: Error) => void = lost,
  ): boolean {
    if (this.#state === 'cut' || this.#state === 'dead') return false
    const fate = this.#fate(message)
    if (fate === 'lost') return false
    const take = fate instanceof Error ? () => fail(fate) : deliver
    const arrive = () => {
      if (this.#state === 'frozen') this.#held.push(take)
      else if (this.#state === 'up') take()
      else if (this.#state === 'cut') lost()
    }
    if (fate instanceof Promise) void fate.then(arrive)
    else if (typeof fate === 'number' && fate > 0) this.#clock.setTimeout(arrive, fate)
    else arrive()
    return true
  }
}

/** A watch over a link: events arrive in their order, and none is missed for good. */
class LinkedWatch implements Watch {
  readonly #open: (from: number, told: WatchListener) => Watch | null
  readonly #send: (deliver: () => void, lost: () => void) => boolean
  readonly #later: (resume: () => void) => void
  readonly #listener: WatchListener
  readonly #onClose: () => void
  #watch: Watch | null = null
  #next: number
  /** Which subscription counts: events of an earlier one that are still under way do not. */
  #life = 0
  #interrupted = true
  #closed = false
  #waiting: Sighting[] = []

  /** @param open Returns `null` as long as there is nobody to watch: `resume` tries again. */
  constructor(
    open: (from: number, told: WatchListener) => Watch | null,
    send: (deliver: () => void, lost: () => void) => boolean,
    later: (resume: () => void) => void,
    from: number,
    listener: WatchListener,
    onClose: () => void,
  ) {
    this.#open = open
    this.#send = send
    this.#later = later
    this.#listener = listener
    this.#onClose = onClose
    this.#next = from
    this.resume()
  }

  get isInterrupted(): boolean {
    return this.#interrupted
  }

  /** After an interruption, starts again at the revision after the last one seen. */
  resume(): void {
    if (!this.#interrupted || this.#closed) return
    const watch = this.#subscribe()
    if (watch === null) return
    this.#interrupted = false
    this.#waiting = []
    this.#watch?.close()
    this.#watch = watch
  }

  /** The stream breaks: what is under way may still arrive, and nothing else until `resume`. */
  interrupt(): void {
    this.#interrupted = true
    this.#watch?.close()
  }

  close(): void {
    this.#closed = true
    this.#watch?.close()
    this.#onClose()
  }

  #subscribe(): Watch | null {
    this.#life += 1
    const life = this.#life
    const lose = () => this.#lose(life)
    const tell = (deliver: () => void, lost: () => void) => {
      const isSent = this.#send(() => {
        if (!this.#closed && life === this.#life) deliver()
      }, lost)
      if (!isSent) lost()
    }
    return this.#open(this.#next, {
      seen: (sighting) => {
        if (this.#interrupted) return
        this.#waiting.push(sighting)
        tell(() => this.#deliver(), lose)
      },
      retrying: (error, attempt) => tell(() => this.#listener.retrying(error, attempt), NOTHING),
      refused: (error) => tell(() => this.#listener.refused(error), lose),
    })
  }

  /** An event that is lost interrupts the watch; TCP would have it so. */
  #lose(life: number): void {
    if (this.#interrupted || life !== this.#life) return
    this.#interrupted = true
    this.#later(() => this.resume())
  }

  /** Each arrival delivers the oldest: messages of one stream do not overtake each other. */
  #deliver(): void {
    const sighting = this.#waiting.shift()
    if (sighting === undefined) return
    this.#next = sighting.revision + 1
    this.#listener.seen(sighting)
  }
}
