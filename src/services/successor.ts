import type { Successor } from '../../machines/election.js'
import { decodeRecord } from '../record.js'
import type { Candidate } from '../stores/store.js'

/** A candidate, as the statechart is told of it. */
export function successorFrom({ instance, text, since, revision, lease }: Candidate): Successor {
  return { id: decodeRecord(text)?.id ?? null, instance, text, since, revision, lease }
}
