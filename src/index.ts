/**
 * One leader among many processes, elected through etcd.
 *
 * What is promised rests on one assumption: that clocks run at nearly the same rate. What is not
 * promised: that work started as leader has ended when leadership is lost. See `lead` and `token`.
 */
import { locked } from './locker.js'

export type {
  DeselectReason,
  ElectionActor,
  ElectionContext,
  ElectionEmitted,
  ElectionEvent,
  ElectionMachine,
  Entered,
  Failure,
  Holder,
  Json,
  Successor,
} from '../machines/election.js'
export type { Clock } from './clock.js'
export {
  ActorError,
  DeniedError,
  LeaseGoneError,
  LockedError,
  NoCandidateError,
  NotLeaderError,
  RefusedError,
  StoppedError,
  TooLargeError,
  UnreachableError,
  UnsupportedError,
  WorkError,
} from './errors.js'
export type { Hosts, Locker, LockerOptions, NodeOptions, ObserveOptions } from './locker.js'
export type { LockedNode } from './node.js'
export type {
  Done,
  Inspect,
  Leadership,
  NodeEvents,
  NodeHolder,
  NodeState,
  Observed,
  ObserverEvents,
  Work,
} from './node-types.js'
export type { LockedObserver } from './observing/observer.js'
export type { LockedPathObserver } from './observing/path-observer.js'
export type { Meter } from './onlookers/meter.js'
export type { Competitor } from './services/competitors.js'
export type { Etcdjs } from './stores/etcd-v2/client.js'
export type {
  Call,
  Candidacy,
  Candidate,
  Candidates,
  Claim,
  Competitors,
  Entry,
  Lease,
  ObserveListener,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from './stores/store.js'
export { locked }
export default locked
