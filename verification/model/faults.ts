/** What services and store do wrong. In `TRUE_LAWS` all is false; each that is not is a mistake to be caught. */
export interface Laws {
  /** Whether a claim carries the session's lease, or none at all. */
  readonly claimsWithoutLease: boolean
  /** A claim overwrites what stands at the path. */
  readonly claimsWithoutCompare: boolean
  /** A claim that finds a record of the node's own counts as one that has won. */
  readonly adoptsOwnRecord: boolean
  /** A release deletes whatever stands at the path. */
  readonly releasesWithoutCompare: boolean
  /** A node that stops leaves its entry as candidate where it is. */
  readonly leavesEntries: boolean
  /** A hand-over installs its candidate whoever holds the path. */
  readonly handsOverWithoutCompare: boolean
  /** A release compares the token, but not the lease: junk written over a record keeps its token. */
  readonly releasesByTokenAlone: boolean
  /** A release compares the lease, but not the reign: there may be several under one session. */
  readonly releasesByLeaseAlone: boolean
  /** The same of the deletion of what an earlier request of the node has left. */
  readonly clearsByLeaseAlone: boolean
  /** A value is written over what another node has at the path. */
  readonly proposesOverOthers: boolean
  /** A propose compares the lease and the key's create revision: two hand-overs may lead back to both. */
  readonly proposesWithoutReign: boolean
  /** A guarded transaction compares no more than those two. */
  readonly guardsWithoutReign: boolean
  /** A renewal answered after validity ended makes the session valid again. */
  readonly renewsAfterTheEnd: boolean
  /** The store may expire a lease whose validity has not ended. */
  readonly expiresEarly: boolean
  /** The watch begins with what changes after it was set up, whatever revision it was given. */
  readonly watchesFromNow: boolean
  /** A renewal counts as soon as it is answered, with no read after it. */
  readonly countsUnconfirmedRenewals: boolean
  /** A read confirms a renewal whatever raft term it tells. */
  readonly confirmsInAnyTerm: boolean
  /** A renewal counts whatever raft term its member was in before. */
  readonly ignoresTermBefore: boolean
  /** The raft term before a renewal may be told by another member than the one that answers it. */
  readonly takesAnyTermBefore: boolean
  /** The read that confirms a renewal is sent together with it, not after its answer. */
  readonly readsTooEarly: boolean
  /** A session goes on after the store's history was replaced. */
  readonly keepsSessionAfterReset: boolean
  /** An answer from before the history was replaced is used by a node that has heard of it. */
  readonly usesAnswersOfBefore: boolean
  /** A node whose actor ended in an error is in the state that the actor was in. */
  readonly leadsOnAfterException: boolean
  /** A node whose actor ended in an error does not release its record. */
  readonly diesWithoutRelease: boolean
  /** Two leaders count as two even where the first one has not heard that the history was replaced. */
  readonly countsOutdatedLeaders: boolean
  /** Two leaders count as two even where an operator deleted the first one's record. */
  readonly countsRobbedLeaders: boolean
}

/** How the shipped services and a real store behave. */
export const TRUE_LAWS: Laws = {
  claimsWithoutLease: false,
  claimsWithoutCompare: false,
  adoptsOwnRecord: false,
  releasesWithoutCompare: false,
  leavesEntries: false,
  handsOverWithoutCompare: false,
  releasesByTokenAlone: false,
  releasesByLeaseAlone: false,
  clearsByLeaseAlone: false,
  proposesOverOthers: false,
  proposesWithoutReign: false,
  guardsWithoutReign: false,
  renewsAfterTheEnd: false,
  expiresEarly: false,
  watchesFromNow: false,
  countsUnconfirmedRenewals: false,
  confirmsInAnyTerm: false,
  ignoresTermBefore: false,
  takesAnyTermBefore: false,
  readsTooEarly: false,
  keepsSessionAfterReset: false,
  usesAnswersOfBefore: false,
  leadsOnAfterException: false,
  diesWithoutRelease: false,
  countsOutdatedLeaders: false,
  countsRobbedLeaders: false,
}
