import { textOf, WorkError } from './errors.js'
import type { Leadership, Work } from './node-types.js'

/** What the work of a node needs of it. */
export interface Worker {
  readonly path: string
  readonly id: string
  /** What the node leads with now. */
  leadership(): Omit<Leadership, 'signal'>
  /** What the node waits for before it releases the path; it never rejects. `null`: nothing more. */
  working(runs: Promise<unknown> | null): void
  failed(error: WorkError): void
}

/** What a node does while it leads: functions, each of which runs once in each election. */
export class LeadWork {
  readonly #worker: Worker
  /** What was given to `lead`, and the end of its latest run. */
  readonly #latest = new Map<Work, Promise<void>>()
  #all: Promise<unknown> | null = null
  /** There is one while the node leads and has work to do. */
  #leading: AbortController | null = null

  constructor(worker: Worker) {
    this.#worker = worker
  }

  add(work: Work): void {
    this.#latest.set(work, Promise.resolve())
  }

  runAll(): void {
    for (const work of this.#latest.keys()) this.run(work)
  }

  /** Runs it as soon as its run of an earlier election has ended, unless the leadership ends first. */
  run(work: Work): void {
    this.#leading ??= new AbortController()
    const { signal } = this.#leading
    const leadership: Leadership = { ...this.#worker.leadership(), signal }
    const before = this.#latest.get(work) ?? Promise.resolve()
    const running = before.then(async () => {
      if (signal.aborted) return
      try {
        await work(leadership)
      } catch (thrown) {
        // Work that ends by the abort of its signal has done as it was told.
        if (!signal.aborted) this.#fail(thrown)
      }
    })
    this.#latest.set(work, running)
    const all = Promise.all(this.#latest.values())
    this.#all = all
    this.#worker.working(all)
    void all.then(() => {
      if (this.#all === all) this.#worker.working(null)
    })
  }

  /** The node leads no more. */
  abort(reason: Error): void {
    this.#leading?.abort(reason)
    this.#leading = null
  }

  #fail(cause: unknown): void {
    const { path, id } = this.#worker
    this.#worker.failed(
      new WorkError(`the work of leader ${id} of ${path} failed: ${textOf(cause)}`, {
        path,
        nodeId: id,
        cause,
      }),
    )
  }
}
