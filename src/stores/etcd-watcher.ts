import type { IKeyValue } from 'etcd3/lib/rpc.js'
import type { WatchGroup } from './etcd-watch-group.js'
import type { Entry, Sighting, Watch, WatchListener } from './store.js'

/** What a watch stream can be asked to watch. */
export interface Watched {
  /** The path, or what all paths in a group begin with. */
  readonly path: string
  readonly isPrefix: boolean
  /** The first revision that is not known yet, or not known for sure. */
  next: number
  /** The revision from which etcd was asked to watch. */
  start: number
  /** Takes what happened in one revision at one of its paths. */
  take(path: string, sighting: Sighting): void
}

/** Somebody who wants to know what happens at a path from a revision on. */
export class WatcherMember implements Watch {
  readonly from: number
  readonly listener: WatchListener
  readonly #watcher: Watcher
  readonly #forget: (watcher: Watcher) => void

  constructor(
    watcher: Watcher,
    from: number,
    listener: WatchListener,
    forget: (watcher: Watcher) => void,
  ) {
    this.#watcher = watcher
    this.from = from
    this.listener = listener
    this.#forget = forget
  }

  close(): void {
    const watcher = this.#watcher
    if (!watcher.members.includes(this)) return
    watcher.members = watcher.members.filter((member) => member !== this)
    if (watcher.members.length === 0) this.#forget(watcher)
  }
}

/** One path, watched for all who want to know of it. */
export class Watcher implements Watched {
  readonly path: string
  readonly isPrefix = false
  members: readonly WatcherMember[] = []
  next: number
  start: number
  /** The group that it is served by, rather than by a watch of its own. */
  group: WatchGroup | null = null
  /** The read on its way because its history is gone. */
  reading: Promise<boolean> | null = null

  constructor(path: string, from: number) {
    this.path = path
    this.next = from
    this.start = from
  }

  take(_path: string, sighting: Sighting): void {
    this.report(sighting)
  }

  /** Tells the members; what was told already is not told again. */
  report(sighting: Sighting): void {
    if (sighting.revision < this.next) return
    this.next = sighting.revision + 1
    for (const member of this.members) {
      // A listener may close another one’s watch.
      if (!this.members.includes(member)) continue
      if (sighting.revision >= member.from) member.listener.seen(sighting)
    }
  }
}

export function entryFrom({ value, create_revision, mod_revision, lease }: IKeyValue): Entry {
  return {
    text: value.toString(),
    token: Number(create_revision),
    revision: Number(mod_revision),
    lease: lease === '0' ? null : lease,
  }
}
