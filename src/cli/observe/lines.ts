import type { ShownHolder } from '../holder.js'
import { oneLine, word } from '../messages.js'

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
