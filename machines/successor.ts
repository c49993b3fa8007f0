/**
 * Which of those who wait is installed in place of a leader that stands down. Whoever entered last
 * stays, in a rolling update: it is next, unless it has missed a renewal and another has not.
 */

/** A node that waits, as a leader may install it in its own place. */
export interface Successor {
  /** The id in that text; `null` if that is not a record. */
  readonly id: string | null
  readonly instance: string
  /** What is written at the path then. */
  readonly text: string
  /** The revision at which it entered. */
  readonly since: number
  /** The revision of its latest change. */
  readonly revision: number
  readonly lease: string
  /** The revision up to which the leader knew who waits, where it goes by what it has been told. */
  readonly knownUpTo?: number
}

/** One of several of whom one is to be chosen. */
export interface Waiting extends Successor {
  /** Whether its lease has missed a renewal, `null` if that had no answer; absent while it has none. */
  readonly isOverdue?: boolean | null
}

/** Whom a leader hands over to: the node with the id `to` if there is one, and never itself. */
export interface Wanted {
  readonly instance: string
  readonly to: string | null
}

/** Of those who wait, by what the store says: those that are named, or all. */
export function amongListed(
  listed: readonly Successor[],
  { instance, to }: Wanted,
): readonly Successor[] {
  const others = listed.filter((one) => one.instance !== instance)
  const named = to === null ? [] : others.filter(({ id }) => id === to)
  return named.length > 0 ? named : others
}

/**
 * The same by what the leader has been told up to a revision. Nobody where that does not do: that nobody
 * waits is not relied on, nor that nobody of that name does, since somebody may just have come.
 */
export function amongKnown(
  known: readonly Successor[],
  knownUpTo: number,
  { instance, to }: Wanted,
): readonly Successor[] {
  const others = known.filter((one) => one.instance !== instance)
  // Another that has come meanwhile makes no difference to one that is named.
  if (to !== null) return others.filter(({ id }) => id === to)
  return others.map((one) => ({ ...one, knownUpTo }))
}

/**
 * About whose leases it is to be asked, of those who wait, the latest first: about the latest, and while
 * none is found in time about those before it, each time about twice as many at once.
 */
export function batchOf(waiting: readonly Waiting[]): readonly Waiting[] {
  const answered = waiting.findIndex(({ isOverdue }) => isOverdue === undefined)
  let [from, count] = [0, 1]
  while (from + count <= answered) [from, count] = [from + count, count * 2]
  return waiting.slice(from, from + count)
}

/** Whether all of a batch have been answered, and none of the next: it is to be asked about. */
export function isBatchOver(waiting: readonly Waiting[]): boolean {
  return batchOf(waiting).every(({ isOverdue }) => isOverdue === undefined)
}

export function answered(
  waiting: readonly Waiting[],
  { instance, isOverdue }: { readonly instance: string; readonly isOverdue: boolean | null },
): readonly Waiting[] {
  return waiting.map((one) => (one.instance === instance ? { ...one, isOverdue } : one))
}

/** Whether no answer that is still to come makes a difference: to one in time only those do that came later. */
export function isDecided(waiting: readonly Waiting[]): boolean {
  const first = waiting.find(({ isOverdue }) => isOverdue === undefined || isOverdue === false)
  return first === undefined || first.isOverdue === false
}

/** Who is next by what is known so far, of some who wait, the latest first; `null` of none. */
export function chosenOf(waiting: readonly Waiting[]): Successor | null {
  const chosen =
    waiting.find(({ isOverdue }) => isOverdue === false) ??
    waiting.find(({ isOverdue }) => isOverdue !== true) ??
    waiting[0]
  if (chosen === undefined) return null
  const { isOverdue, ...successor } = chosen
  return successor
}
