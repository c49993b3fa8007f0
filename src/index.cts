/** What `require('locked')` gives: the function itself, with the error classes as its properties. */
import type * as election from '../machines/election.js' with { 'resolution-mode': 'import' }
import type * as clock from './clock.js' with { 'resolution-mode': 'import' }
import type * as errors from './errors.js' with { 'resolution-mode': 'import' }
import type * as locker from './locker.js' with { 'resolution-mode': 'import' }
import type * as node from './node.js' with { 'resolution-mode': 'import' }
import type * as nodeApi from './node-types.js' with { 'resolution-mode': 'import' }
import type * as observer from './observing/observer.js' with { 'resolution-mode': 'import' }
import type * as pathObserver from './observing/path-observer.js' with {
  'resolution-mode': 'import',
}
import type * as meters from './onlookers/meter.js' with { 'resolution-mode': 'import' }
import type * as competitors from './services/competitors.js' with { 'resolution-mode': 'import' }
import type * as etcdjs from './stores/etcd-v2/client.js' with { 'resolution-mode': 'import' }
import type * as store from './stores/store.js' with { 'resolution-mode': 'import' }

type Classes = Omit<typeof errors, 'errorFrom'>

const { errorFrom: _, ...classes }: typeof errors = require('./errors.js')
const { locked: make }: typeof locker = require('./locker.js')
const locked: typeof make & Classes = Object.assign(make, classes)

declare namespace locked {
  export type DeselectReason = election.DeselectReason
  export type ElectionActor = election.ElectionActor
  export type ElectionContext = election.ElectionContext
  export type ElectionEmitted = election.ElectionEmitted
  export type ElectionEvent = election.ElectionEvent
  export type ElectionMachine = election.ElectionMachine
  export type Entered = election.Entered
  export type Failure = election.Failure
  export type Holder = election.Holder
  export type Json = election.Json
  export type Successor = election.Successor
  export type Clock = clock.Clock
  export type Hosts = locker.Hosts
  export type Locker = locker.Locker
  export type LockerOptions = locker.LockerOptions
  export type NodeOptions = locker.NodeOptions
  export type ObserveOptions = locker.ObserveOptions
  export type LockedObserver = observer.LockedObserver
  export type LockedPathObserver = pathObserver.LockedPathObserver
  export type Observed = nodeApi.Observed
  export type ObserverEvents = nodeApi.ObserverEvents
  export type Inspect = nodeApi.Inspect
  export type Leadership = nodeApi.Leadership
  export type LockedNode = node.LockedNode
  export type NodeEvents = nodeApi.NodeEvents
  export type NodeHolder = nodeApi.NodeHolder
  export type NodeState = nodeApi.NodeState
  export type Work = nodeApi.Work
  export type Done<Result = void> = nodeApi.Done<Result>
  export type Competitor = competitors.Competitor
  export type Call = store.Call
  export type Candidacy = store.Candidacy
  export type Candidate = store.Candidate
  export type Candidates = store.Candidates
  export type Claim = store.Claim
  export type Competitors = store.Competitors
  export type Entry = store.Entry
  export type Lease = store.Lease
  export type ObserveListener = store.ObserveListener
  export type Reign = store.Reign
  export type Sighting = store.Sighting
  export type Store = store.Store
  export type Watch = store.Watch
  export type WatchListener = store.WatchListener
  export type Meter = meters.Meter
  export type Etcdjs = etcdjs.Etcdjs
}

export = locked
