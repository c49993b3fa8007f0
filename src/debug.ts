import { debuglog, format } from 'node:util'
import { contained } from './onlookers/contained.js'
import { escaped, shown } from './shown.js'

const log = debuglog('locked')

/**
 * Written to standard error with NODE_DEBUG=locked, on one line, without anything that a terminal would
 * obey: records, hosts and what servers answer come from others. Otherwise nothing is even formatted.
 */
export function debug(template: string, ...values: readonly unknown[]): void {
  if (!log.enabled) return
  contained('debug', () => {
    const text = shown(format(template, ...values))
    log('%s', text.replaceAll('\n', escaped))
  })
}

/** Known when the process begins. */
debug.enabled = log.enabled
