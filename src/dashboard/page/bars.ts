import { showDuration, showTime } from './format.js'
import type { Span } from './lanes.js'

/** How high the row of a lane is. */
export const ROW_PX = 26
/** How much higher it is where its label stands above its bars. */
export const LABEL_PX = 22

/** Leadership is a solid bar; whoever only waits is a thin one. */
export function placeOf({ state }: Span, isPath: boolean): readonly [y: number, height: number] {
  return isPath || state === 'leader' ? [4, ROW_PX - 8] : [ROW_PX / 2 - 3, 6]
}

export function describeSpan({ state, id, token, fromMs, toMs }: Span): string {
  const who = state === 'held' ? ` by ${id ?? 'what is not a record'}` : ''
  const fence = token === undefined ? '' : `, token ${token}`
  return `${state}${who}${fence}: ${showTime(fromMs)} to ${showTime(toMs)}, ${showDuration(toMs - fromMs)}`
}
