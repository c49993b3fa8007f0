/**
 * A store in which nothing happens before the test lets it. A Link carries messages by itself, and says
 * how each fares when it is sent; it lets requests time out, and learns of a replaced history as a
 * process does. A path needs the opposite: which call is let through, answered or failed, which
 * sighting arrives, and when a reset is told, is all decided later, one by one.
 */
import type {
  Call,
  Candidacy,
  Candidates,
  CandidatesListener,
  Claim,
  Competitors,
  Lease,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from '../../src/stores/store.js'

export type Method =
  | 'grant'
  | 'renew'
  | 'revoke'
  | 'claim'
  | 'propose'
  | 'release'
  | 'read'
  | Exclude<keyof Candidates, 'follow' | 'askTransfer'>

const ANSWERED_WITHIN: Call = { timeoutMs: 60_000 }

/** One call that waits at the gate. */
export interface Waiting {
  readonly method: Method
  /** The lease that it asks about, if it does. */
  readonly about: string | null
  /** Lets it through to the store. The answer waits until `answer`. */
  carryOut(): Promise<void>
  /** Gives the node the store's answer, and lets the call through first if that has not been done. */
  answer(): Promise<void>
  fail(error: Error): void
}

export class Gate implements Store {
  readonly #store: Store
  readonly #waiting: Waiting[] = []
  readonly #watches = new Set<GatedWatch>()
  readonly #resetListeners = new Set<() => void>()
  /** What the store said of the latest claim that it carried out. */
  claimed: Claim | null = null
  /** What stood at the path when the latest `leave` was carried out. */
  looked: Sighting | null = null
  /** The lease of the latest claim. */
  claimedUnder: string | null = null
  /** With what the latest claim enters the node if it loses. */
  candidacy: Candidacy | null = null
  /** Whom the store named when it was last asked who competes. */
  listed: Competitors | null = null
  /** What the latest leader hears by of who enters and who leaves. */
  attending: CandidatesListener | null = null
  /** The revision at which the node last entered by a request of its own. */
  enteredAt = 0
  candidates?: Candidates

  constructor(store: Store) {
    this.#store = store
    const { candidates } = store
    if (candidates === undefined) throw new Error('the paths are of stores with hand-over')
    this.candidates = {
      enter: (path, candidacy, lease, call) =>
        this.#wait('enter', async () => {
          this.enteredAt = await candidates.enter(path, candidacy, lease, call)
          return this.enteredAt
        }),
      leave: (path, instance, call) =>
        this.#wait('leave', async () => {
          this.looked = await candidates.leave(path, instance, call)
          return this.looked
        }),
      // The path says when the session has ended: the answer comes all the same.
      list: (path) =>
        this.#wait('list', async () => {
          this.listed = await candidates.list(path, ANSWERED_WITHIN)
          return this.listed
        }),
      install: (path, reign, candidate, call) =>
        this.#wait('install', () => candidates.install(path, reign, candidate, call)),
      // On a path the leader is told of those whom the path says.
      follow: (_path, _from, listener) => {
        this.attending = listener
        return { close: () => undefined }
      },
      askTransfer: (path, to, lease, call) => candidates.askTransfer(path, to, lease, call),
      isOverdue: (lease, call) =>
        this.#wait('isOverdue', () => candidates.isOverdue(lease, call), lease),
    }
  }

  /** Is a store that knows no candidates, until the function that is returned is called. */
  hideCandidates(): () => void {
    const { candidates } = this
    delete this.candidates
    return () => {
      if (candidates !== undefined) this.candidates = candidates
    }
  }

  /** The calls that wait, in the order in which they were made. */
  get waiting(): readonly Waiting[] {
    return this.#waiting
  }

  /** The newest call of these methods that waits, if any does. */
  newest(...methods: readonly Method[]): Waiting | undefined {
    return this.#waiting.findLast(({ method }) => methods.includes(method))
  }

  /** The watch that is open; a node has one at most. */
  get watching(): GatedWatch | undefined {
    return [...this.#watches].at(-1)
  }

  get watches(): number {
    return this.#watches.size
  }

  grant(ttl: number, call: Call): Promise<Lease> {
    return this.#wait('grant', () => this.#store.grant(ttl, call))
  }

  renew(lease: Lease, call: Call, paths: Iterable<string>): Promise<number> {
    return this.#wait('renew', () => this.#store.renew(lease, call, paths))
  }

  revoke(lease: Lease, call: Call): Promise<void> {
    return this.#wait('revoke', () => this.#store.revoke(lease, call))
  }

  claim(
    path: string,
    text: string,
    lease: Lease,
    call: Call,
    candidacy?: Candidacy,
  ): Promise<Claim> {
    this.claimedUnder = lease.id
    this.candidacy = candidacy ?? null
    return this.#wait('claim', async () => {
      this.claimed = await this.#store.claim(path, text, lease, call, candidacy)
      return this.claimed
    })
  }

  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    return this.#wait('propose', () => this.#store.propose(path, text, reign, call))
  }

  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<void> {
    return this.#wait('release', () => this.#store.release(path, reign, notice, call))
  }

  read(path: string, call: Call): Promise<Sighting> {
    return this.#wait('read', () => this.#store.read(path, call))
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const watch = new GatedWatch(this.#store, path, from, listener, () =>
      this.#watches.delete(watch),
    )
    this.#watches.add(watch)
    return watch
  }

  onReset(listener: () => void): void {
    this.#resetListeners.add(listener)
  }

  /** Tells that the history was replaced. What is on its way stays so. */
  reset(): void {
    for (const listener of [...this.#resetListeners]) listener()
  }

  closeIdle(): void {}

  #wait<Answer>(
    method: Method,
    call: () => Promise<Answer>,
    about: string | null = null,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let outcome: Promise<Answer> | null = null
      const carryOut = () => {
        outcome ??= call()
        return outcome
      }
      const leave = () => {
        const at = this.#waiting.indexOf(waiting)
        if (at !== -1) this.#waiting.splice(at, 1)
      }
      const waiting: Waiting = {
        method,
        about,
        carryOut: async () => {
          await carryOut().catch(() => undefined)
        },
        answer: async () => {
          leave()
          await carryOut().then(resolve, reject)
        },
        fail: (error) => {
          leave()
          reject(error)
        },
      }
      this.#waiting.push(waiting)
    })
  }
}

/** A watch whose sightings wait, each until the test hands it on. */
export class GatedWatch implements Watch {
  readonly listener: WatchListener
  readonly #store: Store
  readonly #path: string
  readonly #onClose: () => void
  #next: number
  #sightings: Sighting[] = []
  #inner: Watch

  constructor(
    store: Store,
    path: string,
    from: number,
    listener: WatchListener,
    onClose: () => void,
  ) {
    this.#store = store
    this.#path = path
    this.#next = from
    this.listener = listener
    this.#onClose = onClose
    this.#inner = this.#open()
  }

  /** How many sightings wait. */
  get seen(): number {
    return this.#sightings.length
  }

  /** Hands on the oldest sighting that waits. */
  deliver(): Sighting {
    const sighting = this.#sightings.shift()
    if (sighting === undefined) throw new Error('the watch has seen nothing')
    this.#next = sighting.revision + 1
    this.listener.seen(sighting)
    return sighting
  }

  /** The stream ends. What is not handed on yet is seen again after `resume`, if the store still knows. */
  interrupt(): void {
    this.#inner.close()
    this.#sightings = []
  }

  resume(): void {
    this.#inner = this.#open()
  }

  close(): void {
    this.#inner.close()
    this.#onClose()
  }

  #open(): Watch {
    return this.#store.watch(this.#path, this.#next, {
      seen: (sighting) => this.#sightings.push(sighting),
      retrying: () => undefined,
      refused: (error) => {
        throw error
      },
    })
  }
}
