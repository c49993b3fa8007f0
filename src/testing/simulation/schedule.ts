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
}

/** One thing that is done to a simulation, in milliseconds where it takes time. */
export type Step =
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: NodeStep; readonly node: number }
  | { readonly kind: 'stall' | 'sleep'; readonly node: number; readonly ms: number }
  | { readonly kind: 'jump'; readonly node: number; readonly ms: number }
  | { readonly kind: OperatorStep }

export type NodeStep = 'start' | 'stop' | 'freeze' | 'cut' | 'heal' | 'kill' | 'propose'
export type OperatorStep = 'expire' | 'delete' | 'junk'

export const NODE_STEPS: readonly NodeStep[] = [
  'start',
  'stop',
  'freeze',
  'cut',
  'heal',
  'kill',
  'propose',
]
export const OPERATOR_STEPS: readonly OperatorStep[] = ['expire', 'delete', 'junk']
