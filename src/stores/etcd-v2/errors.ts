import { errorFrom, LockedError, RefusedError, UnreachableError } from '../../errors.js'
import { shownCause } from '../../shown-cause.js'
import { storeError } from '../etcd/errors.js'

/** etcd’s error codes (v2 API, etcdserver/api/v2error): these say that the answer is no. */
export const NOT_FOUND = 100
export const COMPARE_FAILED = 101
export const NOT_A_FILE = 102
export const EXISTS = 105
/** The history from the index that was asked for on is no longer kept. */
export const CLEARED = 401

const NOES = [NOT_FOUND, COMPARE_FAILED, NOT_A_FILE, EXISTS, CLEARED]

/** Raft is without a leader, or did not answer in time; a watch was ended by the server. */
const TROUBLES = [300, 301, 400]

/** etcd has answered, and the answer is no. */
export class NoError extends LockedError {
  override readonly name = 'NoError'
  readonly code: number
  /** The store’s index by then. */
  readonly index: number
  /** The request was sent more than once: the no may be to a repetition of one that was carried out. */
  readonly isRepeated: boolean

  constructor(message: string, code: number, index: number, isRepeated: boolean) {
    super(message)
    this.code = code
    this.index = index
    this.isRepeated = isRepeated
  }
}

export function isNo(thrown: unknown, ...codes: readonly number[]): thrown is NoError {
  return thrown instanceof NoError && codes.includes(thrown.code)
}

/** What etcdjs called back with, as a NoError or one of the errors that the store port knows. */
export function errorOf(doing: string, thrown: unknown, isRepeated: boolean): LockedError {
  if (thrown instanceof LockedError) return thrown
  const message = errorFrom(thrown).message
  const code = numberIn(thrown, 'code')
  if (code !== null && NOES.includes(code)) {
    return new NoError(`${doing}: ${message}`, code, numberIn(thrown, 'index') ?? 0, isRepeated)
  }
  const cause = { cause: shownCause(thrown) }
  if (code !== null) {
    const text = `${doing}: ${message} (etcd’s error ${code})`
    return TROUBLES.includes(code)
      ? new UnreachableError(text, cause)
      : new RefusedError(text, cause)
  }
  if (/bad status: 404/.test(message)) {
    return new RefusedError(
      `${doing}: ${message}: nothing there speaks etcd’s v2 API; start etcd with --enable-v2, and give etcdjs its hosts as a list: etcdjs(['127.0.0.1:4001', '127.0.0.1:4002'])`,
      cause,
    )
  }
  if (/bad status: (400|401|403|405|413)|insufficient credentials|store destroyed/i.test(message)) {
    return new RefusedError(`${doing}: ${message}`, cause)
  }
  return storeError(doing, thrown)
}

function numberIn(thrown: unknown, name: 'code' | 'index'): number | null {
  if (typeof thrown !== 'object' || thrown === null) return null
  const value: unknown = Reflect.get(thrown, name)
  return typeof value === 'number' ? value : null
}
