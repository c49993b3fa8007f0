/** What services and store do wrong. In `TRUE_LAWS` all is false; each that is not is a mistake to be caught. */
export interface Laws {
  /** Whether a claim carries the session's lease, or none at all. */
  readonly claimsWithoutLease: boolean
  /** A claim overwrites what stands at the path. */
  readonly claimsWithoutCompare: boolean
  /** A record of one's own that a claim finds is taken over instead of released. */
  readonly adoptsOwnRecord: boolean
  /** A record with the same id counts as one's own. */
  readonly takesEqualIdForItself: boolean
  /** A release deletes whatever stands at the path. */
  readonly releasesWithoutCompare: boolean
  /** A release compares the token, but not the lease: junk written over a record keeps its token. */
  readonly releasesByTokenAlone: boolean
  /** A renewal answered after validity ended makes the session valid again. */
  readonly renewsAfterTheEnd: boolean
  /** The store may expire a lease whose validity has not ended. */
  readonly expiresEarly: boolean
  /** The watch begins with what changes after it was set up, whatever revision it was given. */
  readonly watchesFromNow: boolean
  /** The end of validity is not told to the machine. */
  readonly hidesExpiry: boolean
  /** A claim or release without an answer is not followed up when the node is stopped. */
  readonly forgetsLostRequests: boolean
  /** A stopped node that finds the path clean looks no more, though a claim may still be on its way. */
  readonly trustsOneLook: boolean
  /** A node that is started again no longer looks, when it is stopped, for what was left before. */
  readonly startForgetsDoubt: boolean
  /** An answer to a later claim or release counts as news of an earlier one. */
  readonly answerSettlesDoubt: boolean
  /** Two leaders count as two even where an operator deleted the first one's record. */
  readonly countsRobbedLeaders: boolean
}

/** How the shipped services and a real store behave. */
export const TRUE_LAWS: Laws = {
  claimsWithoutLease: false,
  claimsWithoutCompare: false,
  adoptsOwnRecord: false,
  takesEqualIdForItself: false,
  releasesWithoutCompare: false,
  releasesByTokenAlone: false,
  renewsAfterTheEnd: false,
  expiresEarly: false,
  watchesFromNow: false,
  hidesExpiry: false,
  forgetsLostRequests: false,
  trustsOneLook: false,
  startForgetsDoubt: false,
  answerSettlesDoubt: false,
  countsRobbedLeaders: false,
}
