import { type InspectOptionsStylized, types } from 'node:util'
import { shown } from './shown.js'

/** Where an error belongs, as far as it is known. */
export interface ErrorPlace {
  readonly path?: string | undefined
  readonly nodeId?: string | undefined
  readonly cause?: unknown
}

/**
 * The base of every error of this package that is not the caller's fault (those are TypeError and RangeError).
 * Its message may hold what a server answered or another process wrote, and be printed by whoever gets it:
 * what a terminal would obey is escaped.
 */
export class LockedError extends Error {
  override readonly name: string = 'LockedError'
  readonly path: string | undefined
  readonly nodeId: string | undefined

  constructor(message: string, { path, nodeId, cause }: ErrorPlace = {}) {
    super(shown(message), cause === undefined ? undefined : { cause })
    this.path = path
    this.nodeId = nodeId
  }

  /** By name where it is not by class: an error of another copy of this package is one all the same. */
  static override readonly [Symbol.hasInstance] = isInstance
}

/**
 * How Node.js prints it, by `console.error` or where nobody catches it: with its causes, whose texts are a
 * server's. So what a terminal would obey is escaped in all of it, and there are no colours.
 */
function printed(
  this: LockedError,
  _depth: number,
  { stylize: _colours, ...options }: InspectOptionsStylized,
  inspect: typeof import('node:util').inspect,
): string {
  return shown(inspect(this, { ...options, colors: false, customInspect: false }))
}

Object.defineProperty(LockedError.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value: printed,
})

/** The store did not answer, or not in time: whether the request was carried out is not known. It is worth repeating. */
export class UnreachableError extends LockedError {
  override readonly name = 'UnreachableError'
}

/** A renewal was answered, but may not count: the store may not keep it. It is worth repeating at once. */
export class UnconfirmedError extends UnreachableError {}

/** The store understood, and refuses for good (permission denied, bad credentials). Repeating it is of no use. */
export class RefusedError extends LockedError {
  override readonly name: string = 'RefusedError'
}

/**
 * The store understood, and refuses until its operator allows it (no permission). A single request is
 * refused by it; whatever goes on for long repeats it, and goes on when it is allowed.
 */
export class DeniedError extends RefusedError {
  override readonly name = 'DeniedError'
}

/** Whether an error is a refusal that stays one, whatever an operator of the store does. */
export function isForGood(error: unknown): error is RefusedError {
  return error instanceof RefusedError && !(error instanceof DeniedError)
}

/** The store takes no value that is so large. */
export class TooLargeError extends RefusedError {
  override readonly name = 'TooLargeError'
}

/** The lease that a request named no longer exists on the store. */
export class LeaseGoneError extends LockedError {
  override readonly name = 'LeaseGoneError'
}

/** The node was stopped before it could be known who holds the path. */
export class StoppedError extends LockedError {
  override readonly name = 'StoppedError'
}

/** The function given to `lead` threw; `cause` is what it threw. */
export class WorkError extends LockedError {
  override readonly name = 'WorkError'
}

/** The store cannot do what was asked of it. */
export class UnsupportedError extends LockedError {
  override readonly name = 'UnsupportedError'
}

/** This node is not the holder, and what was asked for is only for the holder. */
export class NotLeaderError extends LockedError {
  override readonly name = 'NotLeaderError'
}

/** Nobody waits to whom the leader could hand over. */
export class NoCandidateError extends LockedError {
  override readonly name = 'NoCandidateError'
}

/**
 * The actor of a node, or one on `locker.machine`, has ended in an error; `cause` is what was thrown.
 * It has left the election. `start` begins anew, with another actor.
 */
export class ActorError extends LockedError {
  override readonly name = 'ActorError'
}

type ErrorClass = abstract new (...args: never) => Error

/** What users and stores may meet, by the names that it bears in every copy of this package. */
const KINDS: ReadonlyMap<string, ErrorClass> = new Map(
  Object.entries({
    LockedError,
    UnreachableError,
    RefusedError,
    DeniedError,
    TooLargeError,
    LeaseGoneError,
    StoppedError,
    WorkError,
    UnsupportedError,
    NotLeaderError,
    NoCandidateError,
    ActorError,
  }),
)

/**
 * What `instanceof` asks of the errors of this package. A process may have several copies of it, each
 * with classes of its own, and an error of one is known to the others by its name.
 */
function isInstance(this: ErrorClass, given: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(this, given)) return true
  const kind = isLikeOurs(given) ? KINDS.get(given.name) : undefined
  return kind !== undefined && (kind === this || isAncestor(this, kind))
}

/** Whether it has what every error of this package has, whichever copy made it. */
function isLikeOurs(given: unknown): given is LockedError {
  return isError(given) && 'path' in given && 'nodeId' in given
}

function isAncestor(one: ErrorClass, other: ErrorClass): boolean {
  return Object.prototype.isPrototypeOf.call(one.prototype, other.prototype)
}

/** Whether it is an Error, of whichever realm: Jest runs apps in one of their own, apart from Node.js itself. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown)
}

/** What was thrown, as an Error. */
export function errorFrom(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(textOf(thrown), { cause: thrown })
}

/** What was thrown, as text, whatever it is. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    // Not everything can be made a string, such as an object without a prototype.
    return 'something that has no text'
  }
}
