import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { mersenne } from 'pure-rand/generator/mersenne'

/** Random numbers that a seed determines. */
export class Random {
  // The first numbers of the library's quicker generators are nearly the same for neighbouring seeds.
  readonly #generator: ReturnType<typeof mersenne>

  constructor(seed: number) {
    this.#generator = mersenne(seed)
  }

  /** From 0 to below 1. */
  next(): number {
    return uniformFloat64(this.#generator)
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.next() * items.length)]
    if (item === undefined) throw new Error('random: nothing to pick from')
    return item
  }
}
