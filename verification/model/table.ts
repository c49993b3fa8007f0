/** A set of worlds, numbered in the order they were added; a few words of 32 bits for each. */
export class WorldTable {
  readonly #words: number
  #slots = new Int32Array(1 << 16)
  #stored: Int32Array<ArrayBuffer>
  size = 0

  constructor(words: number) {
    this.#words = words
    this.#stored = new Int32Array(words << 14)
  }

  /** The words of all worlds, one world after the other. */
  get stored(): Int32Array {
    return this.#stored
  }

  get bytes(): number {
    return this.#slots.byteLength + this.#stored.byteLength
  }

  /** The number of the world with these words; `size` as it was before if it is new. */
  add(world: Int32Array): number {
    const mask = this.#slots.length - 1
    let slot = hash(world, 0, this.#words) & mask
    for (;;) {
      const number = (this.#slots[slot] ?? 0) - 1
      if (number === -1) break
      if (this.#holds(number, world)) return number
      slot = (slot + 1) & mask
    }
    const number = this.size
    this.#slots[slot] = number + 1
    this.#append(world)
    if (this.size * 2 > this.#slots.length) this.#grow()
    return number
  }

  #holds(number: number, world: Int32Array): boolean {
    const from = number * this.#words
    for (let index = 0; index < this.#words; index += 1) {
      if (this.#stored[from + index] !== world[index]) return false
    }
    return true
  }

  #append(world: Int32Array): void {
    const from = this.size * this.#words
    this.#stored = withRoom(this.#stored, from + this.#words)
    this.#stored.set(world, from)
    this.size += 1
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let number = 0; number < this.size; number += 1) {
      let slot = hash(this.#stored, number * this.#words, this.#words) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = number + 1
    }
  }
}

/** A list of numbers that can grow long. */
export class Numbers {
  #items = new Int32Array(1 << 14)
  length = 0

  get items(): Int32Array {
    return this.#items
  }

  push(item: number): void {
    this.#items = withRoom(this.#items, this.length + 1)
    this.#items[this.length] = item
    this.length += 1
  }

  at(index: number): number {
    return this.#items[index] ?? 0
  }
}

function withRoom(items: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= items.length) return items
  const larger = new Int32Array(Math.max(length, Math.ceil(items.length * 1.5)))
  larger.set(items)
  return larger
}

function hash(words: Int32Array, from: number, count: number): number {
  let mixed = 0x811c9dc5
  for (let index = from; index < from + count; index += 1) {
    mixed = Math.imul(mixed ^ (words[index] ?? 0), 0x9e3779b1)
    mixed ^= mixed >>> 15
  }
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x85ebca6b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
