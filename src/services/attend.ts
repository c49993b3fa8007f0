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
import type { NewLeader } from './new-leaders.js'
import { Queue } from './queue.js'
import type { Going, Means, Task } from './service.js'

/** After so long, in milliseconds, it asks again when what it was told is lost. */
const AGAIN_MS = 5_000

/** Keeps in mind who waits, so that a leader need not ask when it stops; and hears when it is asked to hand over. */
export function attend(means: Means, task: Task): Going | null {
  const { candidates } = means.store
  const { participant, input } = task
  const { aloneAt } = participant
  participant.queue = null
  participant.aloneAt = null
  if (candidates === undefined) return null
  const attending = new Attending(candidates, means, task)
  // Each may need a watch of its own: thousands at once would hold up the claims of others.
  const areFew = means.newLeaders.areFew()
  if (areFew && aloneAt === input.holder?.token) attending.beginAlone()
  else attending.askLater()
  return attending
}

class Attending implements Going, CandidatesListener, NewLeader {
  readonly #candidates: Candidates
  readonly #means: Means
  readonly #task: Task
  readonly #queue = new Queue()
  #watch: Watch | null = null
  #timer: unknown = null
  #isOver = false

  constructor(candidates: Candidates, means: Means, task: Task) {
    this.#candidates = candidates
    this.#means = means
    this.#task = task
  }

  /** Whoever comes after its claim is told from then on. */
  beginAlone(): void {
    const { token = 0 } = this.#task.input.holder ?? {}
    // Once it is told that it leads, since this may take a request.
    queueMicrotask(() => {
      if (this.#isOver) return
      try {
        this.#follow(token, [])
      } catch {
        this.lost()
      }
    })
  }

  askLater(): void {
    this.#means.newLeaders.add(this)
  }

  close(): void {
    this.#isOver = true
    const { clock, newLeaders } = this.#means
    newLeaders.delete(this)
    if (this.#timer !== null) clock.clearTimeout(this.#timer)
    this.#watch?.close()
  }

  ask(): void {
    this.#begin().catch((thrown: unknown) => {
      // Where it may not ask, it is refused again when it stops.
      if (!(thrown instanceof RefusedError)) this.lost()
    })
  }

  async #begin(): Promise<void> {
    const { participant } = this.#task
    const { path, ttl } = participant
    const call = { timeoutMs: timeoutMsFor(ttl) }
    const competing = await this.#candidates.list(path, call)
    if (this.#isOver) return
    const { revision, asked, waiting } = competing
    this.#follow(revision, waiting)
    if (asked !== null) this.asked(asked)
  }

  /** Goes on from what was known at that revision. */
  #follow(revision: number, waiting: readonly Candidate[]): void {
    const { participant } = this.#task
    this.#queue.begin(waiting, revision)
    participant.queue = this.#queue
    this.#watch = this.#candidates.follow(participant.path, revision + 1, this)
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
    const { clock } = this.#means
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = null
      this.askLater()
    }, AGAIN_MS)
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
