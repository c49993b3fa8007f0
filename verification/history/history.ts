/**
 * The history of a run: what nodes did and saw, one JSON line an entry, written by every process to
 * a file of its own. `checkHistory` says afterwards whether the run kept its promises.
 */
import { Fields, HistoryError } from './fields.js'

export { HistoryError }

/** A token or a store revision. JSON carries it as a string or a number; it counts as a bigint. */
export type Revision = bigint | number | string

interface Common {
  /**
   * Milliseconds, may be fractional, on a monotonic clock that all processes of the run share
   * (`Number(process.hrtime.bigint()) / 1e6`; `performance.now()` starts anew in each process).
   */
  readonly at: number
  readonly path: string
  /** Unique in the run: a node made anew, or in another process, has another name. */
  readonly node: string
  /** Names one life of a process: a restarted process has another name. */
  readonly process: string
}

/** The node joined the election with this id and value. */
interface Start {
  readonly kind: 'start'
  readonly id: string
  readonly value: unknown
}
/** The node left the election. It must have been deselected: a stop alone ends no leadership. */
interface Stop {
  readonly kind: 'stop'
}
/** Written before the proposal is sent, or its `change` may come first. */
interface Propose {
  readonly kind: 'propose'
  readonly value: unknown
}
interface Select {
  readonly kind: 'select'
  readonly token: Revision
  readonly value: unknown
  readonly id: string
}
interface Deselect {
  readonly kind: 'deselect'
  readonly reason: string
}
interface Change {
  readonly kind: 'change'
  readonly value: unknown
  readonly nodeid: string | null
  readonly token: Revision | null
  readonly revision: Revision
}
interface Vacant {
  readonly kind: 'vacant'
}
/**
 * Every sample of `isLeader` from `since` to `at` was true. The writer begins a new entry after a
 * stall, during which nothing was sampled.
 */
interface SampledTrue {
  readonly kind: 'sample'
  readonly isLeader: true
  readonly since: number
}
/** `isLeader` was sampled as false: written when it changes, and as the last sample. */
interface SampledFalse {
  readonly kind: 'sample'
  readonly isLeader: false
}
/**
 * The process did not run from `since` to `at` (stopped by a signal, or its event loop was blocked),
 * so that it could not tell of its deselect. Holds for all nodes of the process, until its `awake`.
 * `since` is the last time at which it is known to have run: of its last sample or entry, or of the
 * signal that stopped it. Not earlier, or an overlap may go unseen.
 */
interface Stall {
  readonly kind: 'stall'
  readonly since: number
}
/**
 * After the stall that began at `since`, the event loop of the process has gone round once: every
 * timer that the stall made late has run, and all that had arrived meanwhile was read. In Node.js, a
 * `setTimeout` that was set on waking, and a `setImmediate` set by it, have run. What is told later
 * is late for another reason. Not written if the process died before.
 */
interface Awake {
  readonly kind: 'awake'
  readonly since: number
}
/** The process is known to be dead from then on, with all of its nodes. Whoever killed it writes it. */
interface Exit {
  readonly kind: 'exit'
}
/**
 * The store's history was replaced by another: etcd lost its data, or was restored from a backup.
 * Holds for all paths, whatever path it names. At `since` the old history was still there; from `at`
 * on etcd accepted connections again, with the new one.
 */
interface Replaced {
  readonly kind: 'replaced'
  readonly since: number
}
/** An operator wrote the key by hand. Junk has no id. Written before the write is sent. */
interface Wrote {
  readonly kind: 'wrote'
  readonly value: unknown
  readonly id: string | null
}

type Detail =
  | Start
  | Stop
  | Propose
  | Select
  | Deselect
  | Change
  | Vacant
  | SampledTrue
  | SampledFalse
  | Stall
  | Awake
  | Exit
  | Replaced
  | Wrote

/** One thing that happened to one node, or was seen of it, and when. */
export type HistoryEntry = Common & Detail

/** The entry as one line of JSON, newline included. */
export function formatEntry(entry: HistoryEntry): string {
  const line = JSON.stringify(entry, (_name, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return `${line}\n`
}

/**
 * Reads what one process wrote. A last line without its newline that is not JSON was torn when the
 * process was killed, and is left out.
 * @throws HistoryError for every other line that is not an entry
 */
export function parseHistory(text: string): HistoryEntry[] {
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  const entries = lines.map((line, index) => parseEntry(parseLine(line, index + 1), index + 1))
  if (rest === '') return entries

  const number = lines.length + 1
  let last: unknown
  try {
    last = parseLine(rest, number)
  } catch {
    return entries
  }
  return [...entries, parseEntry(last, number)]
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new HistoryError(number, 'not JSON', { cause })
  }
}

function parseEntry(parsed: unknown, line: number): HistoryEntry {
  const fields = new Fields(parsed, line)
  const common: Common = {
    at: fields.number('at'),
    path: fields.string('path'),
    node: fields.string('node'),
    process: fields.string('process'),
  }
  return { ...common, ...parseDetail(fields, common.at) }
}

function parseDetail(fields: Fields, at: number): Detail {
  const kind = fields.string('kind')
  switch (kind) {
    case 'start':
      return { kind, id: fields.string('id'), value: fields.value('value') }
    case 'propose':
      return { kind, value: fields.value('value') }
    case 'select': {
      const token = fields.revision('token')
      return { kind, token, value: fields.value('value'), id: fields.string('id') }
    }
    case 'deselect':
      return { kind, reason: fields.string('reason') }
    case 'change':
      return {
        kind,
        value: fields.value('value'),
        nodeid: fields.orNull('nodeid', () => fields.string('nodeid')),
        token: fields.orNull('token', () => fields.revision('token')),
        revision: fields.revision('revision'),
      }
    case 'sample':
      return fields.boolean('isLeader')
        ? { kind, isLeader: true, since: fields.numberUpTo(at, 'since') }
        : { kind, isLeader: false }
    case 'stall':
    case 'replaced':
    case 'awake':
      return { kind, since: fields.numberUpTo(at, 'since') }
    case 'wrote': {
      const id = fields.orNull('id', () => fields.string('id'))
      return { kind, value: fields.value('value'), id }
    }
    case 'stop':
    case 'vacant':
    case 'exit':
      return { kind }
    default:
      throw fields.error('kind', 'a kind of entry')
  }
}
