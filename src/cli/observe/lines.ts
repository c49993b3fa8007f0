import type { ShownHolder } from '../holder.js'
import { oneLine } from '../messages.js'

/** Writes one change as a line. */
export type LineFormat = (time: string, path: string, holder: ShownHolder | null) => string

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
