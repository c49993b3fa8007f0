import { isCandidateEntry, pathBeside } from './candidates.js'
import type { Entry } from './store.js'

/** What stands in a memory store, by key; what stands beside a path is found without looking at all of it. */
export class MemoryEntries extends Map<string, Entry> {
  readonly #beside = new Map<string, Set<string>>()

  override set(key: string, entry: Entry): this {
    if (isCandidateEntry(key) && !this.has(key)) {
      const path = pathBeside(key)
      this.#beside.set(path, (this.#beside.get(path) ?? new Set()).add(key))
    }
    return super.set(key, entry)
  }

  override delete(key: string): boolean {
    const path = pathBeside(key)
    const keys = this.#beside.get(path)
    if (keys?.delete(key) && keys.size === 0) this.#beside.delete(path)
    return super.delete(key)
  }

  override clear(): void {
    this.#beside.clear()
    super.clear()
  }

  /** What stands beside `path`, with its keys. */
  beside(path: string): readonly (readonly [string, Entry])[] {
    return [...(this.#beside.get(path) ?? [])].flatMap((key) => {
      const entry = this.get(key)
      return entry === undefined ? [] : [[key, entry] as const]
    })
  }
}
