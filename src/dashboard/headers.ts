import { STATUS_CODES } from 'node:http'

/** What every answer says: pages talk to the server they come from, and to nobody else. */
export const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // Nor may a page of another site load anything from here.
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** An answer without a body, for a connection that Node.js’s HTTP has let go of. */
export function rawAnswer(status: number, more: Readonly<Record<string, string>> = {}): string {
  const headers = { ...HEADERS, ...more, connection: 'close', 'content-length': '0' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return `${[`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines].join('\r\n')}\r\n\r\n`
}
