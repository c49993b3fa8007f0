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
    if (this.#count === 0) this.#store.closeIdle()
  }
}
