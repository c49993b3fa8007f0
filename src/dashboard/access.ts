import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

const COOKIE = 'locked-token'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Who may use the dashboard: everybody on this machine, by one of its loopback names (a page of
 * another site that makes its own name point here does not know one), and whoever has the token.
 */
export class Access {
  readonly #token: string

  constructor(token: string) {
    this.#token = token
  }

  isAllowed(request: IncomingMessage): boolean {
    return isLocal(request) || this.#hasToken(request)
  }

  /** Whether the request is a WebSocket’s of our own page, or of a program, which tells no origin. */
  isOwnOrigin({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers
    if (origin === undefined) return true
    return URL.canParse(origin) && new URL(origin).host === host
  }

  /** The cookie that replaces the token in the address, if that is the right one. */
  cookieFor(url: URL): string | null {
    const given = url.searchParams.get('token')
    if (given === null || !isSame(given, this.#token)) return null
    return `${COOKIE}=${encodeURIComponent(given)}; HttpOnly; SameSite=Strict; Path=/`
  }

  #hasToken(request: IncomingMessage): boolean {
    const { cookie = '', authorization = '' } = request.headers
    const given = [
      new URL(request.url ?? '/', 'http://localhost').searchParams.get('token'),
      /^Bearer (.+)$/.exec(authorization)?.[1],
      ...cookie
        .split(';')
        .map((one) => one.trim())
        .filter((one) => one.startsWith(`${COOKIE}=`))
        .map((one) => decoded(one.slice(COOKIE.length + 1))),
    ]
    return given.some((one) => typeof one === 'string' && isSame(one, this.#token))
  }
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  const version = isIP(name)
  return version !== 0 && loopback.check(name, version === 4 ? 'ipv4' : 'ipv6')
}

function isLocal({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  const named = headers.host && URL.canParse(`http://${headers.host}`)
  return (
    Boolean(named) && isLoopback(address) && isLoopback(new URL(`http://${headers.host}`).hostname)
  )
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Compares in a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}
