import { writeSync } from 'node:fs'
import { now } from '../now.js'

/** What a process tells the one that started it, a line each: when, by `now()`, and what. */
export const TOLD = ['joined', 'begins', 'ends'] as const
/** `joined`: it leads, or waits. `begins` and `ends`: its work as leader. */
export type What = (typeof TOLD)[number]

/** Is written before it returns: nothing comes in between. */
export function tell(what: What): void {
  writeSync(1, `${now().toFixed(3)} ${what}\n`)
}
