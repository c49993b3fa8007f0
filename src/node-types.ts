/** The types of the node API: its events, and what it is given and gives. */
import type { InspectionEvent, Observer } from 'xstate'
import type { DeselectReason, Json } from '../machines/election.js'

/** The top level states of the statechart. */
export type NodeState = 'idle' | 'campaigning' | 'leader' | 'follower' | 'stopped'

/** What receives XState’s inspection events, such as `createWebSocketInspector().inspect`. */
export type Inspect = Observer<InspectionEvent> | ((inspectionEvent: InspectionEvent) => void)

/** Called when what was asked for is done, or has failed. */
export type Done<Result = void> = (error: Error | null, result?: Result) => void

/** What stands at the path. */
export interface NodeHolder {
  /** The holder's id; `null` when what stands at the path is not a record. */
  readonly id: string | null
  readonly value: Json
  /** The store revision at which the holder was installed. */
  readonly token: bigint
}

/** The state of a path, as an observer tells it. */
export interface Observed {
  readonly path: string
  /** `null` when nothing stands there. */
  readonly holder: NodeHolder | null
}

/** The events of an observer, and what their listeners are given. */
export interface ObserverEvents {
  /** A path has another holder, or its holder another value; or it was first seen to be held. */
  change: [path: string, holder: NodeHolder]
  /** Nothing stands at the path any more; or, of an observer of that path alone, at the beginning. */
  vacant: [path: string]
  /** All that stands there has been told: at the beginning, and again after `unreachable`. */
  known: []
  /** An attempt failed, and will be repeated: what was told may no longer be true. */
  unreachable: [error: Error, attempt: number]
  /** It can never work: the observer has closed. */
  error: [error: Error]
}

/** What the leader's work is given. */
export interface Leadership {
  readonly value: Json
  /** Grows with every election: whoever remembers the highest one seen can refuse a stale leader. */
  readonly token: bigint
  /** Aborted as soon as this node is no longer leader. */
  readonly signal: AbortSignal
}

/** What the leader does. The node waits for what it returns, if that is a promise. */
export type Work = (leadership: Leadership) => unknown

/** The events of a node, and what their listeners are given. */
export interface NodeEvents {
  /** The value at the path changed, or was first seen, whoever wrote it. */
  change: [value: Json, nodeid: string | null]
  /** This node was elected, and its value is written. */
  select: [value: Json]
  /** The same as `select`. */
  selected: [value: Json]
  /** This node is no longer leader. */
  deselect: [reason: DeselectReason]
  /** This node, as leader, renewed its session. */
  refresh: [value: Json]
  /** Nothing stands at the path. */
  vacant: []
  /** An attempt failed, and will be repeated. */
  unreachable: [error: Error, attempt: number]
  /** It can never work: the node stops. */
  error: [error: Error]
}

export interface NodeSettings {
  readonly path: string
  readonly id: string
  readonly value: Json
  readonly ttl: number
}
