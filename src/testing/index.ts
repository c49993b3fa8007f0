/** What an app needs to test its own use of an election: a cluster in memory, on a clock of its own. */

export { type Fate, Link, type Message, type RequestKind } from '../stores/link.js'
export { type MemoryBackup, MemoryStore, type RestoreOptions } from '../stores/memory.js'
export { type ClusterNodeOptions, MemoryCluster } from './cluster.js'
export {
  type ElectionTestConfig,
  type ElectionTestEvent,
  electionTestConfig,
  electionTestModel,
} from './election-test-model.js'
export type { StatechartTestEvent } from './statechart-test-event.js'
export { type StatechartTestMachine, statechartTestMachine } from './statechart-test-machine.js'
export { VirtualClock } from './virtual-clock.js'
