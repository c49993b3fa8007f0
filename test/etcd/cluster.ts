/** What the tests can do to etcd, whatever it runs on. */
import type { ClusterData } from './data.js'

/** One member of a cluster. */
export interface Member {
  readonly name: string
  /** `host:port` where clients reach it. */
  readonly endpoint: string
  /** All its client addresses: more than one if `clientPorts` asked for more. */
  readonly endpoints: readonly string[]
  /** SIGKILL. Its data stay. Resolves once it is dead; does nothing if it already is. */
  kill(): Promise<void>
  /**
   * Starts it again after a `kill`, on the same data and ports. Resolves once it is healthy, which
   * needs a majority: after killing two of three, start both at once.
   */
  start(): Promise<void>
  /**
   * Ends it, and starts it again as another version of etcd, such as `3.6`, on the same data and
   * ports. Needs the option `version`.
   */
  upgrade(version: string): Promise<void>
  /** Freezes it: connections stay open and nothing is answered. */
  pause(): Promise<void>
  resume(): Promise<void>
}

export interface Cluster extends AsyncDisposable {
  readonly members: readonly Member[]
  /** `host:port` of each member. */
  readonly endpoints: readonly string[]
  /** Needs the option `replaceable`. */
  readonly data: ClusterData
  /** Ends all members and deletes their data. */
  stop(): Promise<void>
}

/** A cluster of one, as that one member. */
export interface Etcd extends Member, AsyncDisposable {
  /** Needs the option `replaceable`. */
  readonly data: ClusterData
  /** Ends it and deletes its data. */
  stop(): Promise<void>
}

export interface EtcdOptions {
  /** Never somebody else's: users and passwords are about to be made there, say. */
  readonly own?: true
  /** The ports to serve clients on. Only for a cluster of one; a free port otherwise. */
  readonly clientPorts?: readonly number[]
  /** The version to run, such as `3.5`, whatever the test run's is. It is got if it is not there. */
  readonly version?: string
  /**
   * Its data can be saved, erased and restored: it runs as processes of this machine, also where
   * others run in containers.
   */
  readonly replaceable?: true
  /** Serve the v2 API too. etcd 3.6 no longer has it. */
  readonly enableV2?: boolean
  /** Further arguments for every member, such as `--auth-token=simple`. */
  readonly extraArgs?: readonly string[]
  /** The files that those arguments name: a container gets copies of them at the same place. */
  readonly files?: readonly string[]
  /**
   * Where the other members find the member that can be reached at `target`, such as a relay to it.
   * The members reach what listens on `host`: for containers that is their network's gateway.
   */
  readonly advertisePeer?: (target: string, host: string) => Promise<string>
  /** `https` when `extraArgs` name a certificate and a key. Default `http`. */
  readonly scheme?: 'http' | 'https'
}

/** Where the tests' etcd comes from. */
export type Source =
  | { readonly from: 'running'; readonly endpoints: readonly string[] }
  | { readonly from: 'docker'; readonly image: string }
  | {
      readonly from: 'path' | 'package' | 'module' | 'image'
      /** Such as `3.5.30`. */
      readonly version: string
      readonly binary: string
    }
