/** What `require('locked')` gives: the function itself, with all that can be imported by name as its properties. */
import index = require('./index.js')

const { default: _, ...named } = index
const locked: typeof index.locked & typeof named = Object.assign(index.locked, named)

declare namespace locked {
  export type ActorError = index.ActorError
  export type Call = index.Call
  export type Candidacy = index.Candidacy
  export type Candidate = index.Candidate
  export type Candidates = index.Candidates
  export type Claim = index.Claim
  export type Clock = index.Clock
  export type Competitor = index.Competitor
  export type Competitors = index.Competitors
  export type DeniedError = index.DeniedError
  export type DeselectReason = index.DeselectReason
  export type Done<Result = void> = index.Done<Result>
  export type ElectionActor = index.ElectionActor
  export type ElectionContext = index.ElectionContext
  export type ElectionEmitted = index.ElectionEmitted
  export type ElectionEvent = index.ElectionEvent
  export type ElectionMachine = index.ElectionMachine
  export type Entered = index.Entered
  export type Entry = index.Entry
  export type Etcdjs = index.Etcdjs
  export type Failure = index.Failure
  export type Holder = index.Holder
  export type Hosts = index.Hosts
  export type Inspect = index.Inspect
  export type Json = index.Json
  export type Leadership = index.Leadership
  export type Lease = index.Lease
  export type LeaseGoneError = index.LeaseGoneError
  export type LockedError = index.LockedError
  export type LockedNode = index.LockedNode
  export type LockedObserver = index.LockedObserver
  export type LockedPathObserver = index.LockedPathObserver
  export type Locker = index.Locker
  export type LockerOptions = index.LockerOptions
  export type Meter = index.Meter
  export type NoCandidateError = index.NoCandidateError
  export type NodeEvents = index.NodeEvents
  export type NodeHolder = index.NodeHolder
  export type NodeOptions = index.NodeOptions
  export type NodeState = index.NodeState
  export type NotLeaderError = index.NotLeaderError
  export type ObserveListener = index.ObserveListener
  export type ObserveOptions = index.ObserveOptions
  export type Observed = index.Observed
  export type ObserverEvents = index.ObserverEvents
  export type RefusedError = index.RefusedError
  export type Reign = index.Reign
  export type Sighting = index.Sighting
  export type StoppedError = index.StoppedError
  export type Store = index.Store
  export type Successor = index.Successor
  export type TooLargeError = index.TooLargeError
  export type UnreachableError = index.UnreachableError
  export type UnsupportedError = index.UnsupportedError
  export type Watch = index.Watch
  export type WatchListener = index.WatchListener
  export type Work = index.Work
  export type WorkError = index.WorkError
}

export = locked
