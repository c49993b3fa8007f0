import { debuglog } from 'node:util'
import { contained } from './onlookers/contained.js'

const log = debuglog('locked')

/** Written to standard error with NODE_DEBUG=locked; otherwise nothing is even formatted. */
export function debug(format: string, ...values: readonly unknown[]): void {
  if (log.enabled) contained('debug', () => log(format, ...values))
}

/** Known when the process begins. */
debug.enabled = log.enabled
