/** What the commands end with. `locked elect` passes on its command's exit code besides. */
export const EXIT = {
  /** `get`: nothing stands at the path. `candidates`: nobody waits for it either. `transfer`: nobody could take over. */
  vacant: 1,
  /** Something failed that should not: a fault of `locked`. */
  crashed: 1,
  /** The arguments are wrong, or a file that they name cannot be read. */
  usage: 2,
  /** No etcd member answered in time. */
  unreachable: 3,
  /** etcd refuses for good: wrong credentials, or no permission. */
  refused: 4,
  /** `elect --once`: leadership was lost. */
  lost: 5,
  /** `elect`: the command cannot be executed (as in shells), or nobody can watch over it. */
  notExecutable: 126,
  /** `elect`: there is no such command (as in shells). */
  notFound: 127,
} as const

/** To which a signal's number is added when a process was ended by one (as in shells). */
export const SIGNALLED = 128
