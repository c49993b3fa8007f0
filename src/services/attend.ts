import { RefusedError } from '../errors.js'
import { decodeRecord } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type {
  Candidate,
  Candidates,
  CandidatesListener,
  TransferRequest,
  Watch,
} from '../stores/store.js'
import { Queue } from './queue.js'
import type { Going, Means, Task } from './service.js'

/** A leader that has not led for so long, in milliseconds, asks who waits when it stops. */
const SETTLED_MS = 300
/** And so much longer for each other that is about to ask: thousands that are elected at once do not ask at once. */
const APART_MS = 1
/** After so long, in milliseconds, it asks again when what it was told is lost. */
const AGAIN_MS = 5_000

/** Keeps in mind who waits, so that a leader need not ask when it stops; and hears when it is asked to hand over. */
export function attend({ store, clock }: Means, task: Task): Going | null {
  const { candidates } = store
  task.participant.queue = null
  return candidates === undefined ? null : new Attending(candidates, clock, task)
}

/** How many are about to ask, by whom they ask. */
const waiting = new WeakMap<Candidates, number>()

function countWaiting(candidates: Candidates, by: 1 | -1): number {
  const count = (waiting.get(candidates) ?? 0) + by
  waiting.set(candidates, count)
  return count
}

class Attending implements Going, CandidatesListener {
  readonly #candidates: Candidates
  readonly #clock: Means['clock']
  readonly #task: Task
  readonly #queue = new Queue()
  #watch: Watch | null = null
  #timer: unknown = null
  #isOver = false

  constructor(candidates: Candidates, clock: Means['clock'], task: Task) {
    this.#candidates = candidates
    this.#clock = clock
    this.#task = task
    this.#beginAfter(SETTLED_MS)
  }

  close(): void {
    this.#isOver = true
    this.#stopWaiting()
    this.#watch?.close()
  }

  #stopWaiting(): void {
    if (this.#timer === null) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = null
    countWaiting(this.#candidates, -1)
  }

  #beginAfter(ms: number): void {
    this.#stopWaiting()
    const others = countWaiting(this.#candidates, 1) - 1
    const begin = () => {
      this.#stopWaiting()
      this.#begin().catch((thrown: unknown) => {
        // Where it may not ask, it is refused again when it stops.
        if (!(thrown instanceof RefusedError)) this.lost()
      })
    }
    this.#timer = this.#clock.setTimeout(begin, ms + others * APART_MS)
  }

  async #begin(): Promise<void> {
    const { participant } = this.#task
    const { path, ttl } = participant
    const call = { timeoutMs: timeoutMsFor(ttl) }
    const competing = await this.#candidates.list(path, call)
    if (this.#isOver) return
    const { revision, asked } = competing
    const queue = this.#queue
    queue.begin(competing.waiting, revision)
    participant.queue = queue
    if (asked !== null) this.asked(asked)
    this.#watch = this.#candidates.follow(path, revision + 1, this)
  }

  entered(candidate: Candidate): void {
    this.#queue.entered(candidate)
  }

  left(instance: string): void {
    this.#queue.left(instance)
  }

  lost(): void {
    if (this.#isOver) return
    this.#queue.lost()
    this.#watch?.close()
    this.#watch = null
    this.#beginAfter(AGAIN_MS)
  }

  /** What was asked before this reign was asked of another leader. */
  asked({ to, revision }: TransferRequest): void {
    const { input, send } = this.#task
    if (revision <= (input.holder?.token ?? 0)) return
    const others = this.#queue.waiting?.filter(({ instance }) => instance !== input.instance) ?? []
    const isThere = others.some(({ text }) => to === null || decodeRecord(text)?.id === to)
    if (isThere) send({ type: 'transfer', to })
  }
}
