import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { Guesses } from './guesses.js'

/** Headers by which proxies and networks of them tell for whom they ask. */
const FORWARDED =
  /^(forwarded|via|x-forwarded.*|x-real-ip|x-original-.*|x-(cluster-)?client-ip|true-client-ip|cf-.*|x-envoy-.*)$/

/** A shorter token could be guessed. */
export const SHORTEST_TOKEN = 16
/** A longer one would not fit into a request. */
export const LONGEST_TOKEN = 1_000

/** Cookies know no ports: each dashboard of a machine has one of its own. */
const cookieOf = ({ socket }: IncomingMessage) => `locked-session-${socket.localPort}`

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether a request may be answered. */
export type Entry =
  | { readonly kind: 'refused' }
  /** Its token is not looked at yet: there were wrong ones before it. */
  | { readonly kind: 'later'; readonly afterMs: number }
  /** `cookie` is given in exchange for a token in the address, which is not to be there any more. */
  | { readonly kind: 'entered'; readonly cookie: string | null }

/**
 * Who may use the dashboard: whoever has the token. Where nobody has set one and the dashboard listens
 * on loopback only, that is everybody on this machine besides, by one of its loopback names (a page of
 * another site that makes its own name point here does not know one), but nobody by a proxy: that may
 * stand for anybody.
 */
export class Access {
  readonly #token: string
  readonly #isAsked: () => boolean
  readonly #guesses: Guesses
  /** What a browser shows in place of the token. Nobody guesses it, so that needs no slowing. */
  readonly #session = randomBytes(32).toString('hex')

  /** `isAsked` tells whether the token is asked for wherever a request comes from. */
  constructor(token: string, isAsked: () => boolean, guesses = new Guesses()) {
    this.#token = token
    this.#isAsked = isAsked
    this.#guesses = guesses
  }

  enter(request: IncomingMessage, url: URL): Entry {
    const inAddress = url.searchParams.get('token')
    const cookie = inAddress === null ? null : this.#cookieFor(request)
    if (this.#hasSession(request)) return { kind: 'entered', cookie }
    const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? inAddress
    const isRight = given !== null && isSame(given, this.#token)
    if (!this.#isAsked() && isLocal(request)) {
      return { kind: 'entered', cookie: isRight ? cookie : null }
    }
    if (given === null) return { kind: 'refused' }
    const judged = this.#guesses.judge(addressOf(request), given, isRight)
    if (typeof judged === 'number') return { kind: 'later', afterMs: judged }
    return judged ? { kind: 'entered', cookie } : { kind: 'refused' }
  }

  /** Whether the request is a WebSocket’s of our own page, or of a program, which tells no origin. */
  isOwnOrigin({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers
    if (origin === undefined) return true
    return URL.canParse(origin) && new URL(origin).host === host
  }

  #cookieFor(request: IncomingMessage): string {
    const secure = request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
    return `${cookieOf(request)}=${this.#session}; HttpOnly; SameSite=Strict; Path=/${secure}`
  }

  #hasSession(request: IncomingMessage): boolean {
    const begin = `${cookieOf(request)}=`
    return (request.headers.cookie ?? '')
      .split(';')
      .map((one) => one.trim())
      .filter((one) => one.startsWith(begin))
      .some((one) => isSame(one.slice(begin.length), this.#session))
  }
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  const version = isIP(name)
  return version !== 0 && loopback.check(name, version === 4 ? 'ipv4' : 'ipv6')
}

function isLocal(request: IncomingMessage): boolean {
  // Without a port, which does not matter here.
  const name = /^(\[[\d.:a-f]+\]|[\w.-]+)(?::\d+)?$/i.exec(request.headers.host ?? '')?.[1]
  return (
    name !== undefined &&
    isLoopback(name.toLowerCase()) &&
    isLoopback(peerOf(request)) &&
    !isForwarded(request)
  )
}

/** Whether it has come by a proxy, as far as that tells. Those that tell nothing mostly speak HTTP/1.0. */
function isForwarded({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion !== '1.1' || Object.keys(headers).some((name) => FORWARDED.test(name))
}

/** Whose guesses are counted together: a proxy on this machine tells for whom it asks, as the last one. */
function addressOf(request: IncomingMessage): string {
  const peer = peerOf(request)
  const forwarded = request.headers['x-forwarded-for']
  if (forwarded === undefined || !isLoopback(peer)) return peer
  const last = String(forwarded).split(',').at(-1)?.trim() ?? ''
  return isIP(last) === 0 ? peer : last
}

function peerOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
}

/** Compares in a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}
