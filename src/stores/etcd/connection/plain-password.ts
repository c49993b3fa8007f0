import { isIPv6 } from 'node:net'

let isTold = false

/**
 * Warns, once in this process, of a password that goes to `host` as anybody on the way can read it,
 * unless that is this machine.
 *
 * @param right What to do instead.
 */
export function warnOfPlainPassword(host: string, right: string): void {
  if (isTold || isLoopback(host)) return
  isTold = true
  process.emitWarning(
    `a password goes to ${host} over plain http://, where others can read it; ${right}. This is told once.`,
    { type: 'LockedWarning', code: 'LOCKED_PLAIN_PASSWORD' },
  )
}

/**
 * Whether what is sent to `host`, a name or an address without its port, stays on this machine:
 * 127.0.0.0/8 and ::1, however they are written, and `localhost`. Of any other name nobody knows to
 * where it leads.
 */
export function isLoopback(host: string): boolean {
  const given = `http://${isIPv6(host) ? `[${host}]` : host}/`
  if (!URL.canParse(given)) return false
  // It writes an address in one way only.
  const { hostname } = new URL(given)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}
