import type { Clock } from '../clock.js'
import { UnreachableError } from '../errors.js'
import type {
  Call,
  Claim,
  Lease,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from '../stores/store.js'

/** So long a stream that lost something takes to notice. */
const NOTICED_AFTER_MS = 1_000

/** How a message fares on its way: how long it takes in milliseconds, or that it is lost. */
export type Fate = number | 'lost'

/**
 * A network between one process and a store. Requests, answers and watch events each take their
 * time, in milliseconds of the store's clock. What is under way while the link is frozen arrives
 * after it has healed; what is sent while it is cut is lost, answers included.
 */
export class Link implements Store {
  readonly #store: Store
  readonly #clock: Clock
  readonly #fate: () => Fate
  #state: 'up' | 'frozen' | 'cut' | 'dead' = 'up'
  #held: (() => void)[] = []
  readonly #watches = new Set<LinkedWatch>()

  constructor(store: Store, clock: Clock, fate: () => Fate = () => 0) {
    this.#store = store
    this.#clock = clock
    this.#fate = fate
  }

  /** Whether what happens at the store now is heard without delay: no watch has lost anything. */
  get hears(): boolean {
    return this.#state === 'up' && [...this.#watches].every((watch) => !watch.isInterrupted)
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
    for (const watch of [...this.#watches]) watch.close()
  }

  grant(ttl: number, call: Call): Promise<Lease> {
    return this.#request(call, () => this.#store.grant(ttl, call))
  }

  renew(lease: Lease, call: Call, paths: Iterable<string>): Promise<number> {
    return this.#request(call, () => this.#store.renew(lease, call, paths))
  }

  revoke(lease: Lease, call: Call): Promise<void> {
    return this.#request(call, () => this.#store.revoke(lease, call))
  }

  claim(path: string, text: string, lease: Lease, call: Call): Promise<Claim> {
    return this.#request(call, () => this.#store.claim(path, text, lease, call))
  }

  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    return this.#request(call, () => this.#store.propose(path, text, reign, call))
  }

  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<boolean> {
    return this.#request(call, () => this.#store.release(path, reign, notice, call))
  }

  /** What stands at `path` now. */
  read(path: string, call: Call): Promise<Sighting> {
    return this.#request(call, () => this.#store.read(path, call))
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const watch = new LinkedWatch(
      (next, seen) =>
        this.#store.watch(path, next, {
          seen,
          troubled: (error, attempt) => listener.troubled(error, attempt),
          refused: (error) => listener.refused(error),
        }),
      (deliver) => this.#send(deliver),
      (resume) => this.#clock.setTimeout(resume, NOTICED_AFTER_MS),
      from,
      listener,
      () => this.#watches.delete(watch),
    )
    this.#watches.add(watch)
    return watch
  }

  rest(): void {
    this.#store.rest()
  }

  #request<Answer>({ withinMs }: Call, carryOut: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(
        () => reject(new UnreachableError(`no answer within ${Math.round(withinMs)} ms`)),
        withinMs,
      )
      const answered = (settle: () => void) =>
        this.#send(() => {
          this.#clock.clearTimeout(timer)
          settle()
        })
      this.#send(() => {
        carryOut().then(
          (answer) => answered(() => resolve(answer)),
          (error: unknown) => answered(() => reject(error)),
        )
      })
    })
  }

  /** Whether the message is on its way; `false` when it is lost. */
  #send(deliver: () => void): boolean {
    if (this.#state === 'cut' || this.#state === 'dead') return false
    const fate = this.#fate()
    if (fate === 'lost') return false
    const arrive = () => {
      if (this.#state === 'frozen') this.#held.push(deliver)
      else if (this.#state === 'up') deliver()
    }
    if (fate <= 0) arrive()
    else this.#clock.setTimeout(arrive, fate)
    return true
  }
}

/** A watch over a link: events arrive in their order, and none is missed for good. */
class LinkedWatch implements Watch {
  readonly #open: (from: number, seen: (sighting: Sighting) => void) => Watch
  readonly #send: (deliver: () => void) => boolean
  readonly #later: (resume: () => void) => void
  readonly #listener: WatchListener
  readonly #onClose: () => void
  #watch: Watch
  #next: number
  /** Which subscription counts: events of an earlier one that are still under way do not. */
  #life = 0
  #interrupted = false
  #closed = false
  #waiting: Sighting[] = []

  constructor(
    open: (from: number, seen: (sighting: Sighting) => void) => Watch,
    send: (deliver: () => void) => boolean,
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
    this.#watch = this.#subscribe()
  }

  get isInterrupted(): boolean {
    return this.#interrupted
  }

  /** After an interruption, starts again at the revision after the last one seen. */
  resume(): void {
    if (!this.#interrupted || this.#closed) return
    this.#interrupted = false
    this.#waiting = []
    this.#watch.close()
    this.#watch = this.#subscribe()
  }

  close(): void {
    this.#closed = true
    this.#watch.close()
    this.#onClose()
  }

  #subscribe(): Watch {
    this.#life += 1
    const life = this.#life
    return this.#open(this.#next, (sighting) => {
      if (this.#interrupted) return
      this.#waiting.push(sighting)
      // An event that is lost interrupts the watch; TCP would have it so.
      if (this.#send(() => this.#deliver(life))) return
      this.#interrupted = true
      this.#later(() => this.resume())
    })
  }

  /** Each arrival delivers the oldest: messages of one stream do not overtake each other. */
  #deliver(life: number): void {
    if (this.#closed || life !== this.#life) return
    const sighting = this.#waiting.shift()
    if (sighting === undefined) return
    this.#next = sighting.revision + 1
    this.#listener.seen(sighting)
  }
}
