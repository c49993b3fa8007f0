/** What happens in a simulation, as plain data: it can be printed, shrunk and run again. */
export interface Schedule {
  /** Seeds latencies, losses and backoffs. */
  readonly seed: number
  readonly nodes: readonly SimulatedNode[]
  /** The longest time a message takes, in milliseconds. */
  readonly latencyMs: number
  /** How many of 100 messages are lost. */
  readonly lossPercent: number
  readonly steps: readonly Step[]
}

/** A node of a simulation. */
export interface SimulatedNode {
  /** In seconds. */
  readonly ttl: number
  /** How much faster than real time its clock runs, in parts per thousand. */
  readonly driftPermille: number
  /** Nodes of the same process share a locker, and so a session. */
  readonly process: number
  /** How long its work goes on once it leads no more, in milliseconds. */
  readonly workMs: number
}

/** One thing that is done to a simulation, in milliseconds where it takes time. */
export type Step =
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: NodeStep; readonly node: number }
  | { readonly kind: 'stall' | 'sleep'; readonly node: number; readonly ms: number }
  | { readonly kind: 'jump'; readonly node: number; readonly ms: number }
  | {
      readonly kind: 'depose'
      readonly node: number
      readonly ms: number
      readonly how: Deposition
      /** For how long the network of the node's process then freezes. */
      readonly silentMs: number
    }
  /** Whoever leads is asked to hand over: to that node, or to whoever is next. */
  | { readonly kind: 'transfer'; readonly to: number | null }
  /** All nodes stop at once, and these start again. */
  | { readonly kind: 'stopAll'; readonly again: readonly number[] }
  | { readonly kind: OperatorStep }

/**
 * How the raft leader is deposed that renews the session of a node. For a while it does so on its own
 * word, and the cluster never hears of it.
 */
export type Deposition =
  /** The member that the node is connected to is that leader, cut off from the others. */
  | 'isolated'
  /** It is that leader, was frozen, and answers when it goes on. */
  | 'frozen'
  /** It had asked that leader, which was frozen, and has learned of the next one by the answer. */
  | 'asked'

/** What is done to one node, or to its process. */
export type NodeStep =
  | 'start'
  | 'stop'
  | 'freeze'
  | 'cut'
  | 'heal'
  | 'kill'
  | 'propose'
  /** Something is thrown in its actor, which ends with that. */
  | 'crash'
  /** Its process is killed, and its actor restored from a snapshot in the next one. */
  | 'revive'

/** What is done to the store. */
export type OperatorStep =
  | 'expire'
  | 'delete'
  | 'junk'
  /** What it holds is kept, for later. */
  | 'backup'
  /** It loses everything, and begins a new history. */
  | 'lose'
  /** It is what it was at the last backup. */
  | 'restore'
  /** The same, with revisions above all that there were. */
  | 'restoreBumped'

export const DEPOSITIONS: readonly Deposition[] = ['isolated', 'frozen', 'asked']
export const NODE_STEPS: readonly NodeStep[] = [
  'start',
  'stop',
  'freeze',
  'cut',
  'heal',
  'kill',
  'propose',
  'crash',
  'revive',
]
export const OPERATOR_STEPS: readonly OperatorStep[] = [
  'expire',
  'delete',
  'junk',
  'backup',
  'lose',
  'restore',
  'restoreBumped',
]
