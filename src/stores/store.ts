/**
 * The port: what a store must do so that an election can run on it.
 *
 * Rules for every store:
 * - Every change of a key gives the store a new revision, a positive integer that only grows.
 * - `claim`, `propose`, `release` and `read` are linearizable.
 * - `renew` resolves only for a renewal that the store as a whole keeps: not for one that a single
 *   member granted, and that the others never hear of.
 * - A request that is not answered within `timeoutMs` rejects with UnreachableError. It may have been
 *   carried out all the same.
 * - RefusedError means: never, whatever an operator of the store does. DeniedError, a kind of it, means:
 *   not until an operator allows it; TooLargeError, another kind: not so large a text. LeaseGoneError
 *   means: that lease no longer exists.
 */

import type { ComparatorBuilder } from 'etcd3'

/** What stands at a path. */
export interface Entry {
  readonly text: string
  /** The revision at which the key came to be. */
  readonly token: number
  /** The revision of its latest change. */
  readonly revision: number
  /** The id of the lease that it is attached to. */
  readonly lease: string | null
}

/** What keeps records standing: when it runs out, the keys attached to it are deleted. */
export interface Lease {
  readonly id: string
  /** What the store granted, in milliseconds; it may be more or less than was asked for. */
  readonly ttlMs: number
}

/** A path as it was at a revision; `entry` is `null` when it was vacant. */
export interface Sighting {
  readonly entry: Entry | null
  readonly revision: number
}

/** How a claim ended: with this node’s record at the path, or with what stood there before. */
export type Claim =
  | {
      readonly won: true
      readonly token: number
      /** Whether nothing stood beside the path at that revision, and so nobody waited; absent where that is not told. */
      readonly isAlone?: boolean
    }
  | {
      readonly won: false
      readonly entry: Entry
      readonly revision: number
      /** Whether it has entered the node as candidate. */
      readonly hasEntered?: boolean
    }

/** The reign that a write belongs to. */
export interface Reign {
  readonly token: number
  readonly lease: string
  /** The revision at which the key came to be, where the reign began by a hand-over and not by a claim. */
  readonly created?: number
}

/** Under which instance a node waits, and what is written at the path when it is installed. */
export interface Candidacy {
  readonly instance: string
  readonly text: string
}

/** A node that waits beside the path, and can be installed. */
export interface Candidate extends Candidacy {
  /** The revision at which it entered. */
  readonly since: number
  /** The revision of its latest change. */
  readonly revision: number
  readonly lease: string
}

/** A candidate that is to be installed. */
export interface Choice extends Candidate {
  /**
   * Of one that was chosen because it came last: the revision up to which it was known who waits. If
   * another has entered after that, it is not installed. Absent where that does not matter.
   */
  readonly knownUpTo?: number
}

/** How a single request is made. */
export interface Call {
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number
}

/** What a watch reports. */
export interface WatchListener {
  /** Called once for each change, in the order of revisions. */
  seen(sighting: Sighting): void
  /**
   * The history from there on was not kept, and this is what stands at the path, which has not changed
   * since it was known, by its revision. It is another all the same if the store was restored from a
   * backup in such a way that its revisions go on.
   */
  found?(sighting: Sighting): void
  /** The watch is interrupted; the store resumes it by itself and misses nothing. */
  retrying(error: Error, attempt: number): void
  /** The store will never allow this watch. */
  refused(error: Error): void
}

/** What an observer tells of paths. */
export interface ObserveListener {
  /**
   * A path is new, has changed, or became vacant. Called in the order of revisions for each path; of
   * what happened while its history was not kept, only the outcome is told.
   */
  seen(path: string, sighting: Sighting): void
  /**
   * The same of what stands beside these paths, such as the entries of candidates, by where it stands.
   * Only who asks for it is told, and only then is anything of it kept.
   */
  beside?(at: string, sighting: Sighting): void
  /** All that stood there at the beginning has been told. Called once. */
  known(): void
  /** What was told may no longer be true: the store cannot be reached. It is tried again. */
  retrying(error: Error, attempt: number): void
  /** After trouble: all that was missed has been told. */
  recovered(): void
  /** The store will never allow this. Nothing is told any more. */
  refused(error: Error): void
}

/** A watch that goes on until it is closed. */
export interface Watch {
  /** Nothing is reported any more. */
  close(): void
}

/** What stands at a path, and beside it. */
export interface Competitors {
  readonly entry: Entry | null
  /** In the order in which they entered. */
  readonly waiting: readonly Candidate[]
  /** What the leader is asked for, if it is. */
  readonly asked: TransferRequest | null
  /** The store's revision by then. */
  readonly revision: number
}

/** Who is told what comes to stand beside a path. */
export interface CandidatesListener {
  /** Somebody entered, or changed what it would write. */
  entered(candidate: Candidate): void
  left(instance: string): void
  /** What was told may no longer be so, and something may have been missed. Nothing more is told. */
  lost(): void
  /** Somebody asks the leader to hand over. */
  asked?(request: TransferRequest): void
}

/** What somebody asks the leader for, by an entry beside the path. */
export interface TransferRequest {
  /** The id of the candidate that is to lead; `null` for whoever is next. */
  readonly to: string | null
  /** The revision at which it was asked. */
  readonly revision: number
}

/** What a store must do so that a leader can hand over. All but `follow` are linearizable. */
export interface Candidates {
  /**
   * Enters the node as candidate, or changes what it would write; not where the path is vacant.
   * Resolves with the revision of that.
   */
  enter(path: string, candidacy: Candidacy, lease: Lease, call: Call): Promise<number>
  /** Takes its entry away, and tells what stands at the path by then. */
  leave(path: string, instance: string, call: Call): Promise<Sighting>
  /** Who competes. */
  list(path: string, call: Call): Promise<Competitors>
  /** Tells who enters and who leaves from revision `from` on. */
  follow(path: string, from: number, listener: CandidatesListener): Watch
  /** Asks the leader to hand over to the candidate with the id `to`, or to whoever is next, as long as `lease` lasts. */
  askTransfer(path: string, to: string | null, lease: Lease, call: Call): Promise<void>
  /** Whether that lease is gone, or its latest renewal has not come when it was due. */
  isOverdue(lease: string, call: Call): Promise<boolean>
  /**
   * Installs `choice` in place of `reign`'s holder, in one revision, which is the new reign's token: the
   * path's key stays what it is, so that it is never vacant. `null` when that reign is over, or the
   * candidate has left, or has changed what it would write, or is not the last that came.
   */
  install(path: string, reign: Reign, choice: Choice, call: Call): Promise<number | null>
}

/** Where elections are held. Its rules stand at the head of this file. */
export interface Store {
  /** Grants a lease of `ttl` seconds. */
  grant(ttl: number, call: Call): Promise<Lease>
  /**
   * Renews a lease. Resolves with the granted ttl in milliseconds; rejects with LeaseGoneError, and
   * with UnconfirmedError when the renewal may not count and is worth repeating at once.
   *
   * @param paths Paths that whoever shares the lease may read, for a store that has to ask whether the
   *   renewal counts. There is one at least.
   */
  renew(lease: Lease, call: Call, paths: Iterable<string>): Promise<number>
  /**
   * How long a renewal may take, as far as is known, in milliseconds: it is sent so much earlier. 0 where
   * it is left out.
   */
  readonly renewalMs?: number
  /** Ends a lease and deletes the keys attached to it. A lease that is gone already is no error. */
  revoke(lease: Lease, call: Call): Promise<void>
  /**
   * Writes `text` at `path`, attached to `lease`, only if the path is vacant. A store that has
   * `candidates` enters the node as one otherwise; if the claim has won it takes away its entry, and
   * may tell that nobody waits.
   */
  claim(path: string, text: string, lease: Lease, call: Call, candidacy?: Candidacy): Promise<Claim>
  /** Replaces the text of `reign`'s key. Resolves with the new revision, or `null` if that reign is over. */
  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null>
  /**
   * Deletes `reign`'s key. Resolves once it is deleted, or once that reign is known to be over. With a
   * `notice`, that text is written there first: whoever watches sees it before the deletion, or
   * (rarely) not at all.
   */
  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<void>
  /** What stands at `path` now. */
  read(path: string, call: Call): Promise<Sighting>
  /**
   * Reports every change of `path` from revision `from` on. If the history from there on is no longer
   * kept, reports the path as it is now and goes on from there.
   */
  watch(path: string, from: number, listener: WatchListener): Watch
  /**
   * Tells what stands at all paths that begin with `prefix` (all there are, if it is empty), and every
   * change from then on, over interruptions and in another history. Entries beside a path are told to
   * `beside`, where the store has candidates.
   * A store without it can be observed path by path only.
   */
  observe?(prefix: string, listener: ObserveListener): Watch
  /** For stores in which a leader can hand over: without it, it vacates the path. */
  readonly candidates?: Candidates
  /** A transaction builder that commits only during `reign`, for stores that have such a thing. */
  guard?(path: string, reign: Reign): ComparatorBuilder
  /**
   * Calls `listener` whenever the store's history was replaced by another (etcd lost its data, or was
   * restored from a backup), before anything of the new one is told. A store whose history cannot be
   * replaced has no need of it.
   */
  onReset?(listener: () => void): void
  /**
   * Calls `listener` whenever the store is reached again after a connection was lost. Leases are then
   * renewed at once: whether the store still knows them is not to be learned half a ttl later.
   */
  onReconnected?(listener: () => void): void
  /** Called when no node uses the store any more: nothing may be left open. It may be used again afterwards. */
  closeIdle(): void
}
