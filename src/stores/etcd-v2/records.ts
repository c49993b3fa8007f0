import type { Reign, Sighting } from '../store.js'
import type { Calls } from './calls.js'
import { COMPARE_FAILED, isNo, NOT_A_FILE, NOT_FOUND, type NoError } from './errors.js'
import { Holding, type Leases } from './leases.js'
import type { Time } from './time.js'

/** No index is as large: comparing with it always fails, and tells the store’s index. */
const NO_INDEX = Number.MAX_SAFE_INTEGER

/** What stands at paths by whose reign, and what is done to it during that reign. */
export class Reigns {
  readonly #calls: Calls
  readonly #leases: Leases
  readonly #learned: (path: string, sighting: Sighting) => void

  /** `learned` is told what stands at a path by a reign that has turned out to be over. */
  constructor(calls: Calls, leases: Leases, learned: (path: string, sighting: Sighting) => void) {
    this.#calls = calls
    this.#leases = leases
    this.#learned = learned
  }

  async read(path: string, time: Time): Promise<Sighting> {
    const { found, index } = await this.#calls.getAsOf(path, time.left)
    if (index === null) return await this.#readInVain(path, time)
    const entry = found && this.#leases.entry(path, found)
    return { entry, revision: Math.max(index, entry?.revision ?? 0) }
  }

  /** For an answer whose head cannot be seen. */
  async #readInVain(path: string, time: Time): Promise<Sighting> {
    for (;;) {
      // The body of an answer tells the index only if it is no.
      const { code, index } = await this.#compareInVain(path, time)
      if (code === NOT_FOUND) return { entry: null, revision: index }
      const node = await this.#calls.get(path, time.left)
      if (node !== null) {
        const entry = this.#leases.entry(path, node)
        return { entry, revision: Math.max(index, entry.revision) }
      }
    }
  }

  async look(path: string, time: Time): Promise<Sighting> {
    const { found, index } = await this.#calls.getAsOf(path, time.left)
    if (found !== null) {
      return { entry: this.#leases.entry(path, found), revision: found.modifiedIndex }
    }
    return index === null ? await this.#readInVain(path, time) : { entry: null, revision: index }
  }

  async #compareInVain(path: string, time: Time): Promise<NoError> {
    try {
      await this.#calls.delete(path, { prevIndex: NO_INDEX }, time.left)
    } catch (thrown) {
      if (isNo(thrown, NOT_FOUND, COMPARE_FAILED, NOT_A_FILE)) return thrown
      throw thrown
    }
    throw new Error(`etcd: ${path} had an index that no node can have`)
  }

  /** What stands there by that reign, whether this store has claimed it or has only met it. */
  async find(path: string, reign: Reign, time: Time): Promise<Holding | null> {
    const known = this.#leases.holding(path, reign)
    if (known !== null) return known
    const node = await this.#calls.get(path, time.left)
    if (node === null || node.ttl === null) return null
    const { token, lease } = this.#leases.entry(path, node)
    return token === reign.token && lease === reign.lease
      ? new Holding(path, { id: lease, ttl: node.ttl }, node)
      : null
  }

  async refresh(holding: Holding, time: Time): Promise<boolean> {
    const { path, ttl } = holding
    const index = await this.#during(holding, time, async (prevIndex) => {
      const { modifiedIndex } = await this.#calls.refresh(path, { ttl, prevIndex }, time.left)
      return modifiedIndex
    })
    return index !== null
  }

  /** One after the other, so that what was to be written last is. */
  write(holding: Holding, text: string, time: Time): Promise<number | null> {
    const { path, ttl } = holding
    const written = holding.written.then(() =>
      this.#during(holding, time, async (prevIndex) => {
        holding.mayBe(text)
        const { modifiedIndex } = await this.#calls.set(path, text, { ttl, prevIndex }, time.left)
        return modifiedIndex
      }),
    )
    holding.written = written.catch(() => undefined)
    return written
  }

  async delete(holding: Holding, time: Time): Promise<void> {
    const index = await this.#during(holding, time, async (prevIndex) => {
      try {
        await this.#calls.delete(holding.path, { prevIndex }, time.left)
      } catch (thrown) {
        if (!isNo(thrown, NOT_FOUND) || !thrown.isRepeated) throw thrown
      }
      return prevIndex
    })
    if (index !== null) this.#leases.forget(holding)
  }

  /**
   * Deletes the notice, and nothing else, although its index is not known. Resolves with whether the
   * reign is over: not if that has come before the notice, or after something else that was written.
   */
  async deleteNotice(holding: Holding, notice: string, time: Time): Promise<boolean> {
    try {
      await this.#calls.delete(holding.path, { prevValue: notice }, time.left)
    } catch (thrown) {
      if (!isNo(thrown, NOT_FOUND, COMPARE_FAILED)) throw thrown
      if (thrown.code === COMPARE_FAILED) return false
    }
    this.#leases.forget(holding)
    return true
  }

  async deleteLost(path: string, text: string, time: Time): Promise<void> {
    const { entry } = await this.look(path, time)
    if (entry === null || entry.lease === null || entry.text !== text) return
    try {
      await this.#calls.delete(path, { prevIndex: entry.revision }, time.left)
    } catch (thrown) {
      if (!isNo(thrown, NOT_FOUND, COMPARE_FAILED)) throw thrown
    }
  }

  /**
   * Does something to the node of a reign, by comparing with its index. That index may have moved on
   * by another of our requests; so it is looked up again as long as what stands there is our own.
   * Resolves with the new index, or `null` when the reign is over.
   */
  async #during(
    holding: Holding,
    time: Time,
    act: (prevIndex: number) => Promise<number>,
  ): Promise<number | null> {
    const { path } = holding
    for (;;) {
      if (holding.isPast) return null
      const { index } = holding
      try {
        const moved = await act(index)
        holding.moveTo(moved)
        return moved
      } catch (thrown) {
        if (!isNo(thrown, NOT_FOUND, COMPARE_FAILED, NOT_A_FILE)) throw thrown
        if (thrown.code === COMPARE_FAILED && holding.index !== index) continue
        const sighting =
          thrown.code === NOT_FOUND
            ? { entry: null, revision: thrown.index }
            : await this.look(path, time)
        if (holding.isAt(sighting.entry)) {
          holding.moveTo(sighting.entry.revision)
          continue
        }
        this.#leases.forget(holding)
        // The node whose reign it was shall not have to wait for the watch.
        this.#learned(path, sighting)
        return null
      }
    }
  }
}
