/**
 * What is compared: `locked`, another version of it (`--against`), the election of the etcd3 package, that
 * of etcd's Go client (where there is Go), and the bare requests.
 */
export const CONTENDERS = ['locked', 'before', 'etcd3', 'go', 'floor'] as const
export type ContenderName = (typeof CONTENDERS)[number]

export interface Candidate {
  /** When it was elected, by `now()`, or now if it is leader already. Listens only once it is asked. */
  electedAt(): Promise<number>
  leave(): Promise<void>
}

export interface Contender {
  /** Connects, and does once what all nodes of a process share. */
  warm(): Promise<void>
  /** Resolves once all of them lead, or wait for a holder to go. All join at once. */
  join(paths: readonly string[]): Promise<readonly Candidate[]>
  close(): Promise<void>
}

/** The ttl of every session, in seconds. */
export const TTL = 10
