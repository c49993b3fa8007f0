import type { Json } from '../../machines/election.js'
import { type Action, isAction } from './protocol.js'
import { shortened, shortenedValue } from './shortened.js'

/** As much as the page shows of a value when it is pointed at, in characters. */
const LONGEST_VALUE = 2_000
/** XState makes them of a few letters; anybody may send others. */
const LONGEST_SESSION_ID = 200
/** As much as the page shows of names. A path that is longer than that is shown as another’s. */
const LONGEST_NAME = 200
const LONGEST_PATH = 2_000

/** The latest time that a Date can tell, in milliseconds since 1970. */
export const LATEST_MS = 8.64e15

/** What a message of a process tells of one of its nodes. */
export interface Inspected {
  readonly type: 'actor' | 'event' | 'snapshot'
  /** As its process knows the node. Others may know theirs by the same. */
  readonly sessionId: string
  readonly createdAtMs: number
  readonly event: InspectedEvent | null
  readonly snapshot: InspectedSnapshot | null
}

interface InspectedEvent {
  readonly type: string
  readonly validityMs: number | null
  /** What a person needs of it. */
  readonly details: string
}

interface InspectedSnapshot {
  readonly path: string
  readonly id: string
  readonly instance: string
  readonly value: Json
  readonly state: string
  /** The node’s own, while it is leader. */
  readonly token: number | null
}

/**
 * Reads a message of an inspector (see `src/inspection/message.ts`). `null` for what is none, and for
 * what is about another actor than a node: a service, or a machine of the user’s own.
 */
export function inspectedFrom(given: unknown): Inspected | null {
  if (!isObject(given)) return null
  const { type, sessionId, createdAt } = given
  // Not everything can be made a number.
  const isTime = typeof createdAt === 'string' || typeof createdAt === 'number'
  const createdAtMs = isTime ? Number(createdAt) : Number.NaN
  if (!isSessionId(sessionId) || !(Math.abs(createdAtMs) <= LATEST_MS)) return null
  const common = { sessionId, createdAtMs }
  const event = eventFrom(given.event)
  const snapshot = snapshotFrom(given.snapshot)
  switch (type) {
    case '@xstate.actor':
      return snapshot && { type: 'actor', ...common, event: null, snapshot }
    case '@xstate.event':
      return event && { type: 'event', ...common, event, snapshot: null }
    case '@xstate.snapshot':
      return snapshot && { type: 'snapshot', ...common, event, snapshot }
    default:
      return null
  }
}

/** What a process offers to do to one of its nodes. */
export interface Offer {
  readonly sessionId: string
  readonly actions: readonly Action[]
}

/** Reads such an offer; `null` for any other message. */
export function offerFrom(given: unknown): Offer | null {
  if (!isObject(given) || given.type !== 'locked.offer') return null
  const { sessionId, actions } = given
  if (!isSessionId(sessionId) || !Array.isArray(actions)) return null
  return { sessionId, actions: [...new Set(actions.filter(isAction))] }
}

function eventFrom(given: unknown): InspectedEvent | null {
  if (!isObject(given) || typeof given.type !== 'string') return null
  const { type, validityMs, holder, value, error } = given
  return {
    type: shortened(type, LONGEST_NAME),
    validityMs: typeof validityMs === 'number' && validityMs >= 0 ? validityMs : null,
    details: [
      isObject(holder) &&
        `holder ${show(holder.id)}, value ${show(holder.value)}, token ${show(holder.token)}`,
      value !== undefined && `value ${show(value)}`,
      isObject(error) && typeof error.message === 'string' && shortened(error.message),
    ]
      .filter(Boolean)
      .join(', '),
  }
}

function snapshotFrom(given: unknown): InspectedSnapshot | null {
  if (!isObject(given) || !isObject(given.context)) return null
  const { path, id, instance, value, holder } = given.context
  // An actor that has ended stays in the state that it was in then.
  const hasEnded = given.status !== undefined && given.status !== 'active'
  const state = hasEnded ? 'stopped' : stateFrom(given.value)
  if (typeof path !== 'string' || typeof id !== 'string' || typeof instance !== 'string')
    return null
  if (state === null) return null
  const isLeader =
    state.startsWith('leader') && isObject(holder) && typeof holder.token === 'number'
  const token = isLeader ? Number(holder.token) : null
  return {
    path: shortened(path, LONGEST_PATH),
    id: shortened(id, LONGEST_NAME),
    instance: shortened(instance, LONGEST_NAME),
    value: shortenedValue(jsonFrom(value), LONGEST_VALUE),
    state: shortened(state, LONGEST_NAME),
    token,
  }
}

function stateFrom(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (!isObject(value)) return null
  const [first] = Object.entries(value)
  if (first === undefined) return null
  const [state, child] = first
  const below = stateFrom(child)
  return below === null ? state : `${state}.${below}`
}

function show(value: unknown): string {
  return shortened(JSON.stringify(value) ?? 'none')
}

/** It has come as JSON, and so is JSON. */
function jsonFrom(value: unknown): Json {
  return isJson(value) ? value : null
}

function isJson(value: unknown): value is Json {
  return value !== undefined
}

function isSessionId(given: unknown): given is string {
  return typeof given === 'string' && given.length <= LONGEST_SESSION_ID
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null
}
