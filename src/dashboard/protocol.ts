/** What the dashboard's server tells its page, and the page asks of it. All times in milliseconds since 1970. */
import type { Json } from '../../machines/election.js'

/** Where knowledge comes from: a watch on etcd, or a process that sends its inspection events. */
export interface SourceNow {
  readonly id: string
  readonly kind: 'etcd' | 'process' | 'demo'
  readonly name: string
  readonly isConnected: boolean
  readonly sinceMs: number
  /** Why it is not connected, as far as it is known. */
  readonly problem: string | null
}

export interface PathHolder {
  /** `null` when what stands at the path is not a record. */
  readonly id: string | null
  readonly value: Json
  readonly token: number
  readonly instance: string | null
}

/** A path, as the store was last seen. */
export interface PathNow {
  readonly path: string
  /** Who told of it. While that source is not connected, this is only what was known last. */
  readonly source: string
  readonly holder: PathHolder | null
  readonly sinceMs: number
}

/** A node that has an entry beside the path. */
export interface CandidateNow {
  readonly instance: string
  /** `null` when what it would write is not a record. */
  readonly id: string | null
  /** The revision at which it entered. */
  readonly since: number
}

/** Who waits for a path, as the store was last seen. */
export interface WaitingNow {
  readonly path: string
  readonly source: string
  /** In the order in which they entered: the first of them. */
  readonly first: readonly CandidateNow[]
  /** How many there are besides. */
  readonly more: number
}

/** The latest transition of a node that led to another state. */
export interface Step {
  readonly event: string
  /** States by their path, such as `leader.holding`. */
  readonly from: string
  readonly to: string
}

/** A node whose process sends its inspection events. */
export interface NodeNow {
  /** Of its source, and of its actor's session id there: no other node has it. */
  readonly key: string
  readonly source: string
  readonly path: string
  readonly id: string
  readonly instance: string
  readonly value: Json
  /** `leader.holding`, `follower`, … */
  readonly state: string
  readonly sinceMs: number
  readonly step: Step | null
  /** The latest event that it took, whether it led anywhere or not. */
  readonly latest: string | null
  readonly token: number | null
  /** Until when its session is valid, if it is not renewed. */
  readonly validUntilMs: number | null
  /** What can be done to it from here. */
  readonly actions: readonly Action[]
}

export interface LogEntry {
  readonly seq: number
  readonly atMs: number
  readonly kind: string
  readonly path: string
  /** The node's id; `null` for what was seen at the store. */
  readonly node: string | null
  readonly details: string
}

/** From `atMs` on, a lane shows `state`. Nodes have lanes by their key, paths by `path:` and their path. */
export interface LaneChange {
  readonly lane: string
  readonly atMs: number
  /** A node's state, or `held`, `vacant`; `unknown` while nobody can tell. */
  readonly state: string
  /** The holder's id and value, at a path's lane. */
  readonly id?: string | null
  readonly token?: number
}

/** What can be done to a node of a demo. `jump` sets its clock forward by its ttl. */
export type Action = 'start' | 'stop' | 'freeze' | 'kill' | 'jump'

const ACTIONS: readonly unknown[] = ['start', 'stop', 'freeze', 'kill', 'jump'] satisfies Action[]

export function isAction(given: unknown): given is Action {
  return ACTIONS.includes(given)
}

export interface Update {
  readonly sources: readonly SourceNow[]
  readonly paths: readonly PathNow[]
  /** One for which nobody waits any more is told so once. */
  readonly waiting: readonly WaitingNow[]
  readonly nodes: readonly NodeNow[]
  readonly log: readonly LogEntry[]
  readonly lanes: readonly LaneChange[]
  /** The lanes of which all is told that there is to know, in place of what was known before. */
  readonly anew: readonly string[]
  /** What nothing is known of any more: sources, and lanes, be they of paths or of nodes. */
  readonly gone: readonly string[]
}

export type ServerMessage =
  /** All there is to know. Comes first, and in place of what was known before. */
  | (Update & {
      readonly type: 'hello'
      readonly nowMs: number
      readonly title: string
      /** Whether the page may ask leaders to hand over. */
      readonly mayHandOver: boolean
    })
  | (Update & {
      readonly type: 'update'
      readonly nowMs: number
      /** Events from before those of the same message. */
      readonly older?: readonly LogEntry[]
      /** How many more events there were, of those that are sought: too many to be told. */
      readonly passedOver?: number
      readonly sought?: Sought
    })

/** The events in which each of these is found; an empty one is found in all. */
export interface LogFilter {
  readonly node: string
  readonly path: string
  /** All of it, or what stands for all but renewals. */
  readonly kind: string
}

/** The events that are told from this message on, and those of them that there were from `fromSeq` on. */
export interface Sought {
  readonly filter: LogFilter
  readonly fromSeq: number
}

/** A page says which events it is to be told of. Otherwise it is told of all, as far as it can take them. */
export interface LookFor extends LogFilter {
  readonly type: 'look for'
}

/** A page says so of each message but an answer, when it has shown it. Then it is sent the next. */
export interface Taken {
  readonly type: 'taken'
}

export interface Control {
  readonly type: 'control'
  readonly node: string
  readonly action: Action
}

/** Asks the leader of a path to hand over, whatever process it is in. */
export interface HandOver {
  readonly type: 'hand over'
  readonly path: string
  /** The id of the candidate that is to lead; `null` for the one that came last. */
  readonly to: string | null
}

/** What came of it, to the page that asked. */
export interface HandOverAnswer {
  readonly type: 'hand over answer'
  readonly path: string
  /** `null` when another leads. */
  readonly problem: string | null
}

const LANE_OF_PATH = 'path:'

/** The lane of a path. */
export function laneOf(path: string): string {
  return `${LANE_OF_PATH}${path}`
}

/** The path of that lane; `null` for what is no path's. */
export function pathOfLane(lane: string): string | null {
  return lane.startsWith(LANE_OF_PATH) ? lane.slice(LANE_OF_PATH.length) : null
}
