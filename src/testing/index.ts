/** What an app needs to test its own use of an election: a cluster in memory, on a clock of its own. */

export { type Fate, Link, type RequestKind } from '../stores/link.js'
export { type MemoryBackup, MemoryStore, type RestoreOptions } from '../stores/memory.js'
export { checkHistory } from './checker.js'
export { type ClusterNodeOptions, MemoryCluster } from './cluster.js'
export { type ElectionTestEvent, electionTestModel } from './election-test-model.js'
export { formatEntry, type HistoryEntry, HistoryError, parseHistory } from './history.js'
export * from './model/index.js'
export { type Fault, formatReport, type Report, type Vacancy } from './report.js'
export type {
  Deposition,
  NodeStep,
  OperatorStep,
  Schedule,
  SimulatedNode,
  Step,
} from './simulation/schedule.js'
export { simulate } from './simulation/simulate.js'
export type { Outcome } from './simulation/simulation.js'
export { VirtualClock } from './virtual-clock.js'
