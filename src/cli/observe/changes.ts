import { equal } from '../../../machines/equal.js'
import type { Sighting } from '../../stores/store.js'
import { type ShownHolder, shownHolder } from '../holder.js'
import { oneLine } from '../messages.js'

/** Writes one change as a line. */
export type LineFormat = (time: string, path: string, holder: ShownHolder | null) => string

/** Prints what is seen at paths, when it is not what was printed last. */
export class Changes {
  readonly #format: LineFormat
  readonly #print: (line: string) => void
  /** Whether nobody need be told that a path is vacant unless it was held before. */
  readonly #vacantIsUsual: boolean
  readonly #printed = new Map<string, ShownHolder | null>()

  constructor(format: LineFormat, print: (line: string) => void, vacantIsUsual: boolean) {
    this.#format = format
    this.#print = print
    this.#vacantIsUsual = vacantIsUsual
  }

  seen(path: string, sighting: Sighting): void {
    const holder = shownHolder(sighting)
    const isFirst = !this.#printed.has(path) && !this.#vacantIsUsual
    // A holder that stands down writes its record once more before it is deleted.
    if (!isFirst && isSame(holder, this.#printed.get(path) ?? null)) return
    if (holder === null && this.#vacantIsUsual) this.#printed.delete(path)
    else this.#printed.set(path, holder)
    this.#print(this.#format(new Date().toISOString(), path, holder))
  }
}

function isSame(one: ShownHolder | null, other: ShownHolder | null): boolean {
  if (one === null || other === null) return one === other
  return one.token === other.token && one.id === other.id && equal(one.value, other.value)
}

export const jsonLine: LineFormat = (time, path, holder) => JSON.stringify({ time, path, holder })

export const textLine: LineFormat = (time, path, holder) => {
  const what =
    holder === null
      ? 'vacant'
      : `id=${holder.id === null ? '-' : word(holder.id)} value=${oneLine(JSON.stringify(holder.value))} token=${holder.token}`
  return `${time} ${word(path)} ${what}`
}

/** As it is when it is one plain word; in quotes otherwise. */
function word(text: string): string {
  return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !/["\\]/.test(text) && text !== '-'
    ? text
    : oneLine(JSON.stringify(text))
}
