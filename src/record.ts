import type { Holder, Json } from '../machines/election.js'
import { DEEPEST_VALUE, parseJson } from './json.js'

/** What a node writes at the path. */
export interface ElectionRecord {
  readonly id: string
  readonly value: Json
  readonly instance: string
  /** Written just before the record is deleted, so that whoever follows need not wait. */
  readonly released?: boolean
  /**
   * The token, in a reign that began by a hand-over. A candidate cannot know it: it would write `null`,
   * which means the revision at which that is written.
   */
  readonly token?: number | null
}

/** What a store has at a path. */
interface StoredText {
  readonly text: string
  /** The revision at which it came to be. */
  readonly token: number
  /** The revision of its latest change. */
  readonly revision: number
  readonly lease: string | null
}

export function encodeRecord(record: ElectionRecord): string {
  const { id, value, instance, released, token } = record
  return JSON.stringify({ id, value, instance, ...(released && { released }), token })
}

/** What the holder's record becomes with another value, or when it stands down. */
export function encodeHolder(
  { token, created }: Pick<Holder, 'token' | 'created'>,
  record: ElectionRecord,
): string {
  return encodeRecord(created === undefined ? record : { ...record, token })
}

/** The record in `text`, or `null` when it is not one: anybody may have written there, and anything. */
export function decodeRecord(text: string): ElectionRecord | null {
  const parsed = parseJson(text, DEEPEST_VALUE + 1)
  if (!isObject(parsed)) return null
  const { id, value, instance, released, token } = parsed
  if (typeof id !== 'string' || typeof instance !== 'string' || value === undefined) return null
  const record = released === true ? { id, value, instance, released } : { id, value, instance }
  return token === null || typeof token === 'number' ? { ...record, token } : record
}

function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/**
 * What stands at the path, as an election sees it: what is not a record is a holder without id.
 *
 * Every follower keeps one. It is written out, because of an object that is spread and then added to
 * V8 keeps the layout as well, several times the object’s size (seen with Node.js 20).
 */
export function holderFrom({ text, token: created, revision, lease }: StoredText): Holder {
  const record = decodeRecord(text)
  if (record === null)
    return { id: null, value: text, instance: null, token: created, session: lease }
  const { id, value, instance, released, token } = record
  const isClaimed = token === undefined
  const holder = {
    id,
    value,
    instance,
    token: isClaimed ? created : tokenFrom(token, created, revision),
    session: lease,
  }
  if (isClaimed) return released === true ? { ...holder, released } : holder
  return released === true ? { ...holder, created, released } : { ...holder, created }
}

/** Anybody may have written it: a token lies between when the key came to be and its latest change. */
function tokenFrom(token: number | null, created: number, revision: number): number {
  const isPossible =
    token !== null && Number.isSafeInteger(token) && token >= created && token <= revision
  return isPossible ? token : revision
}
