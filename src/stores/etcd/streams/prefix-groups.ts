import type { Watched, Watcher } from '../../path-watcher.js'
import type { CandidatesWatch } from './candidates-watch.js'
import { PrefixGroup } from './prefix-group.js'

/** So many paths that begin alike are watched one by one; those that come after are grouped. */
const FEWEST_ALONE = 8
/** A group starts so many revisions early: claims that were made together are answered in any order. */
const EARLY_BY = 64

/** Tells etcd what to watch. */
interface Asking {
  create(watched: Watched): void
  cancel(watched: Watched): void
}

/** What the paths of watchers begin with, up to their last slash. */
interface Prefix {
  /** Watchers with a watch of their own. */
  readonly alone: Set<Watcher>
  group: PrefixGroup | null
  /** Others write there more than we do, or we may not watch it: its paths are not grouped. */
  isTooWide: boolean
}

/** Decides which watchers have a watch of their own, and which are served by one for all that begins alike. */
export class PrefixGroups {
  readonly #asking: Asking
  readonly #prefixes = new Map<string, Prefix>()

  constructor(asking: Asking) {
    this.#asking = asking
  }

  /** All that etcd is to be asked to watch. */
  get watched(): readonly Watched[] {
    return [...this.#prefixes.values()].flatMap(({ group, alone }) => [
      ...(group === null ? [] : [group]),
      ...alone,
    ])
  }

  add(watcher: Watcher): void {
    const prefix = this.#prefixOf(watcher.path)
    const group = this.#groupFor(watcher, prefix)
    if (group !== null) group.join(watcher)
    else this.#watchAlone(watcher, prefix)
  }

  /** The group that can tell of the candidates of its path, if there is one. */
  groupFor({ beside, next }: CandidatesWatch): PrefixGroup | null {
    const group = this.#prefixes.get(beginningOf(beside))?.group ?? null
    return group?.canServe(next) ? group : null
  }

  /** What those were told whom groups tell may no longer be so. */
  loseFollowers(): void {
    for (const { group } of this.#prefixes.values()) group?.loseFollowers()
  }

  /** Returns whether a group told it. */
  unfollow(follower: CandidatesWatch): boolean {
    const { beside } = follower
    const prefix = this.#prefixes.get(beginningOf(beside))
    if (!prefix?.group?.unfollow(follower)) return false
    this.#endIfIdle(beside, prefix)
    return true
  }

  remove(watcher: Watcher): void {
    const prefix = this.#prefixOf(watcher.path)
    const { alone, group } = prefix
    if (alone.delete(watcher)) this.#asking.cancel(watcher)
    else group?.leave(watcher)
    this.#endIfIdle(watcher.path, prefix)
  }

  /** From now on each of its paths has a watch of its own. A group that is closed already is left alone. */
  dissolve(group: PrefixGroup): void {
    const prefix = this.#prefixOf(group.path)
    if (prefix.group !== group) return
    group.loseFollowers()
    this.#close(group, prefix)
    prefix.isTooWide = true
    for (const watcher of group.watchers) {
      group.leave(watcher)
      watcher.skipTo(group.next)
      this.#watchAlone(watcher, prefix)
    }
  }

  /** Forgets all that was known of prefixes. Only for when nothing is watched. */
  clear(): void {
    this.#prefixes.clear()
  }

  #prefixOf(path: string): Prefix {
    const name = beginningOf(path)
    const known = this.#prefixes.get(name)
    if (known !== undefined) return known
    const prefix = { alone: new Set<Watcher>(), group: null, isTooWide: name === '' }
    this.#prefixes.set(name, prefix)
    return prefix
  }

  /** The group that can serve it, if there is one or is to be one by now. */
  #groupFor({ path, next }: Watcher, prefix: Prefix): PrefixGroup | null {
    if (prefix.group === null && prefix.alone.size >= FEWEST_ALONE && !prefix.isTooWide) {
      const from = Math.max(1, next - EARLY_BY)
      const group: PrefixGroup = new PrefixGroup(beginningOf(path), from, () =>
        this.dissolve(group),
      )
      prefix.group = group
      this.#asking.create(group)
    }
    return prefix.group?.canServe(next) ? prefix.group : null
  }

  #watchAlone(watcher: Watcher, { alone }: Prefix): void {
    alone.add(watcher)
    this.#asking.create(watcher)
  }

  /** Somebody has left who watched `path`, or what stands beside it. */
  #endIfIdle(path: string, prefix: Prefix): void {
    const { group, alone, isTooWide } = prefix
    if (group?.isWanted === false) this.#close(group, prefix)
    // That it is too wide is remembered.
    if (alone.size === 0 && prefix.group === null && !isTooWide) {
      this.#prefixes.delete(beginningOf(path))
    }
  }

  #close(group: PrefixGroup, prefix: Prefix): void {
    prefix.group = null
    group.close()
    this.#asking.cancel(group)
  }
}

/** What a path begins with, up to its last slash; empty where there is none. */
function beginningOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
