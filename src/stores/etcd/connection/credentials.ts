import { createSecureContext } from 'node:tls'
import { describe } from '../../../arguments.js'
import { isError } from '../../../errors.js'

/** What TLS needs, each in PEM. */
export interface Credentials {
  /** Whose certificates are trusted; those that the system trusts if left out. */
  readonly rootCertificate?: Buffer
  /** This client's key and certificate, where etcd asks for one. */
  readonly privateKey?: Buffer
  readonly certChain?: Buffer
}

/** What TLS needs, or what gives it: a function is asked before each new connection. */
export type CredentialsSource = Credentials | (() => Credentials | Promise<Credentials>)

const PARTS = ['rootCertificate', 'privateKey', 'certChain'] as const

/**
 * Checks what TLS is given before anything is sent. Nothing of what it holds is in a message.
 *
 * @throws TypeError or RangeError that names the part that is wrong.
 */
export function assertCredentials(given: unknown): asserts given is Credentials {
  if (typeof given !== 'object' || given === null || Buffer.isBuffer(given)) {
    throw new TypeError(
      `credentials: expected { rootCertificate?, privateKey?, certChain? }, was given ${kindOf(given)}`,
    )
  }
  const unknown = Object.keys(given).find((key) => !PARTS.some((part) => part === key))
  if (unknown !== undefined) {
    throw new TypeError(`credentials: unknown part ${unknown}; the parts are ${PARTS.join(', ')}`)
  }
  const [ca, key, cert] = PARTS.map((name) => partOf(given, name))
  if ((key === undefined) !== (cert === undefined)) {
    const missing = key === undefined ? 'privateKey' : 'certChain'
    throw new TypeError(`credentials: ${missing} is missing; privateKey and certChain go together`)
  }
  assertUsable('rootCertificate', { ca })
  assertUsable('certChain', { cert })
  assertUsable('privateKey, or whether it is the one of certChain', { cert, key })
}

/**
 * What TLS needs for a connection now.
 *
 * @throws Error (as a rejection) when a function that was given throws, or gives what is no use.
 */
export async function credentialsNow(
  source: CredentialsSource | undefined,
): Promise<Credentials | undefined> {
  if (typeof source !== 'function') return source
  const given: unknown = await source()
  assertCredentials(given)
  return given
}

/** @throws TypeError that names the part that is wrong, and never shows the password. */
export function assertAuth(given: unknown): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`auth: expected { username, password }, was given ${kindOf(given)}`)
  }
  for (const name of ['username', 'password']) {
    const part: unknown = Reflect.get(given, name)
    if (typeof part !== 'string') {
      throw new TypeError(`auth: ${name} must be a string, was given ${kindOf(part)}`)
    }
    if (part === '') throw new RangeError(`auth: ${name} must not be empty`)
  }
}

function partOf(given: object, name: (typeof PARTS)[number]): Buffer | undefined {
  const part: unknown = Reflect.get(given, name)
  if (part === undefined || Buffer.isBuffer(part)) return part
  throw new TypeError(
    `credentials: ${name} must be a Buffer, such as fs.readFileSync('file.pem') gives, was given ${kindOf(part)}`,
  )
}

function assertUsable(what: string, parts: Readonly<Record<string, Buffer | undefined>>): void {
  try {
    createSecureContext(parts)
  } catch (cause) {
    const why = isError(cause) ? cause.message.replace(/^error:[\dA-F]+:/i, '') : ''
    throw new RangeError(`credentials: cannot use ${what}: ${why}; expected PEM`)
  }
}

/** What kind of thing was given, without showing it: it may be a secret in the wrong place. */
function kindOf(given: unknown): string {
  if (Buffer.isBuffer(given)) return 'a Buffer'
  if (typeof given === 'object' || given === undefined) return describe(given)
  return `a ${typeof given}`
}
