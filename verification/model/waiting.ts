/**
 * Who waits, as a leader that stops has been told, and what it has been told of their leases: the latest
 * first, in one number. No order of theirs is kept in the world, so that any may be told.
 */

/** What is told of a candidate's lease. */
export const Answer = { none: 0, inTime: 1, overdue: 2, silence: 3 } as const

export const NOBODY = 0

const BITS = 5
const MOST = 3

export function waitingOf(candidates: readonly number[]): number {
  return candidates.reduce((waiting, by, slot) => waiting | ((by + 1) << (slot * BITS)), NOBODY)
}

/** Who waits there, or -1. */
export function waitingAt(waiting: number, slot: number): number {
  return ((waiting >>> (slot * BITS)) & 7) - 1
}

export function answerAt(waiting: number, slot: number): number {
  return (waiting >>> (slot * BITS + 3)) & 3
}

export function countOf(waiting: number): number {
  let count = 0
  while (count < MOST && waitingAt(waiting, count) !== -1) count += 1
  return count
}

/** The same, with that told of the one there. */
export function withAnswer(waiting: number, slot: number, answer: number): number {
  return (waiting & ~(3 << (slot * BITS + 3))) | (answer << (slot * BITS + 3))
}

/** The same, where nodes have other numbers. */
export function renumbered(waiting: number, numberOf: (by: number) => number): number {
  let all = waiting
  for (let slot = 0; slot < countOf(waiting); slot += 1) {
    const by = waitingAt(waiting, slot)
    all = (all & ~(7 << (slot * BITS))) | ((numberOf(by) + 1) << (slot * BITS))
  }
  return all
}

/** What the machine sees of them: how many there are, and the answers. */
export function shapeOf(waiting: number): number {
  return renumbered(waiting, () => 0)
}

/** In which place that one waits, with what told of it; 0 if it does not. */
export function placeOf(waiting: number, by: number): number {
  for (let slot = 0; slot < countOf(waiting); slot += 1) {
    if (waitingAt(waiting, slot) === by) return 1 + slot * 4 + answerAt(waiting, slot)
  }
  return 0
}

/** All orders in which they may have come. */
export function ordersOf(candidates: readonly number[]): readonly (readonly number[])[] {
  if (candidates.length === 0) return [[]]
  return candidates.flatMap((first) =>
    ordersOf(candidates.filter((one) => one !== first)).map((rest) => [first, ...rest]),
  )
}
