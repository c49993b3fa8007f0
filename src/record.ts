import type { Holder, Json } from '../machines/election.js'
import type { Entry } from './stores/store.js'

/** What a node writes at the path. */
export interface ElectionRecord {
  readonly id: string
  readonly value: Json
  readonly instance: string
  /** Written just before the record is deleted, so that whoever follows need not wait. */
  readonly released?: boolean
}

export function encodeRecord({ id, value, instance, released }: ElectionRecord): string {
  return JSON.stringify({ id, value, instance, ...(released && { released }) })
}

/** The record in `text`, or `null` when it is not one. */
export function decodeRecord(text: string): ElectionRecord | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null) return null
  if (!('id' in parsed && 'value' in parsed && 'instance' in parsed)) return null
  const { id, value, instance } = parsed
  if (typeof id !== 'string' || typeof instance !== 'string') return null
  // JSON.parse makes nothing but JSON values.
  const record = { id, value: value as Json, instance }
  return 'released' in parsed && parsed.released === true ? { ...record, released: true } : record
}

/**
 * What stands at the path, as an election sees it: what is not a record is a holder without id.
 *
 * Every follower keeps one. It is written out, because of an object that is spread and then added to
 * V8 keeps the layout as well, several times the object’s size (seen with Node.js 20).
 */
export function holderFrom({ text, token, lease }: Entry): Holder {
  const record = decodeRecord(text)
  if (record === null) return { id: null, value: text, instance: null, token, session: lease }
  const { id, value, instance, released } = record
  const holder = { id, value, instance, token, session: lease }
  return released === true ? { ...holder, released } : holder
}
