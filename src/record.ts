import type { Holder, Json } from '../machines/election.js'
import { DEEPEST_VALUE, parseJson } from './json.js'

/** What a node writes at the path. */
export interface ElectionRecord {
  readonly id: string
  readonly value: Json
  readonly instance: string
  /** Written just before the record is deleted, so that whoever follows need not wait. */
  readonly released?: boolean
}

/** What a store has at a path. */
interface StoredText {
  readonly text: string
  /** The revision at which it came to be. */
  readonly token: number
  readonly lease: string | null
}

export function encodeRecord({ id, value, instance, released }: ElectionRecord): string {
  return JSON.stringify({ id, value, instance, ...(released && { released }) })
}

/** The record in `text`, or `null` when it is not one: anybody may have written there, and anything. */
export function decodeRecord(text: string): ElectionRecord | null {
  const parsed = parseJson(text, DEEPEST_VALUE + 1)
  if (!isObject(parsed)) return null
  const { id, value, instance, released } = parsed
  if (typeof id !== 'string' || typeof instance !== 'string' || value === undefined) return null
  return released === true ? { id, value, instance, released } : { id, value, instance }
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
export function holderFrom({ text, token, lease }: StoredText): Holder {
  const record = decodeRecord(text)
  if (record === null) return { id: null, value: text, instance: null, token, session: lease }
  const { id, value, instance, released } = record
  const holder = { id, value, instance, token, session: lease }
  return released === true ? { ...holder, released } : holder
}
