import { debug } from '../debug.js'
import { textOf } from '../errors.js'
import type { Store } from '../stores/store.js'

/** Nodes in the election and questions on their way: while there are any, the store stays open. */
export class Uses {
  readonly #store: Store
  #count = 0

  constructor(store: Store) {
    this.#store = store
  }

  begin(): void {
    this.#count += 1
  }

  end(): void {
    this.#count -= 1
    if (this.#count > 0) return
    try {
      this.#store.closeIdle()
    } catch (thrown) {
      // Who has left has left, whatever a store of somebody’s own does then.
      debug('the store was not closed: %s', textOf(thrown))
    }
  }
}
