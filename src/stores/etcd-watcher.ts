import type { IKeyValue } from 'etcd3/lib/rpc.js'
import type { WatchGroup } from './etcd-watch-group.js'
import type { Entry, Sighting, WatchListener } from './store.js'

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

interface WatcherMember {
  readonly from: number
  readonly listener: WatchListener
}

/** One path, watched for all who want to know of it. */
export class Watcher implements Watched {
  readonly path: string
  readonly isPrefix = false
  readonly members = new Set<WatcherMember>()
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
    for (const member of [...this.members]) {
      // A listener may close another one’s watch.
      if (!this.members.has(member)) continue
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
