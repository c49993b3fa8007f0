/** All orders of these. */
export function ordersOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length === 0) return [[]]
  return items.flatMap((first, index) =>
    ordersOf(items.toSpliced(index, 1)).map((others) => [first, ...others]),
  )
}

/** So many of them, at even distances from the first on. */
export function sampleOf<Item>(items: readonly Item[], count: number): readonly Item[] {
  const chosen = new Set(
    Array.from({ length: count }, (_, index) => Math.floor((index * items.length) / count)),
  )
  return items.filter((_, index) => chosen.has(index))
}
