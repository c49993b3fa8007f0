/**
 * A store inside one process, with the behaviour of etcd: one revision for the whole store, leases,
 * and a history that watches can start in. For tests, demos and programs of one process.
 */
import { type Clock, LONGEST_DELAY_MS, systemClock } from '../clock.js'
import { LeaseGoneError } from '../errors.js'
import {
  candidateAt,
  instanceAt,
  latestAt,
  pathBeside,
  reignAt,
  transferAskedAt,
  transferRequestOf,
} from './candidates.js'
import { MemoryEntries } from './memory-entries.js'
import { MemoryObserver } from './memory-observer.js'
import type {
  Candidacy,
  Candidate,
  Candidates,
  CandidatesListener,
  Claim,
  Entry,
  Lease,
  ObserveListener,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from './store.js'

/** How many changes are kept; beyond that the older half is compacted. */
const HISTORY_LIMIT = 10_000

/** A lease is renewed when half of it is left: one of which there is no more has missed that. */
export const OVERDUE_LEFT = 0.4

interface Grant extends Lease {
  deadlineMs: number
  readonly paths: Set<string>
}

interface Change extends Sighting {
  readonly path: string
}

interface Watcher {
  /** The revision from which on it has not been told anything yet. */
  next: number
  readonly listener: WatchListener
  closed: boolean
}

/** A lease as the store keeps it. */
export interface LeaseState extends Lease {
  /** How long it lasts if it is not renewed, in milliseconds. */
  readonly leftMs: number
}

/** What a store held at one time: it can be restored to that, or another one can. */
export interface MemoryBackup {
  readonly revision: number
  /** What stood at each path. */
  readonly entries: ReadonlyMap<string, Entry>
  /** The leases that had not ended. */
  readonly leases: readonly Lease[]
}

/** How a store is restored. */
export interface RestoreOptions {
  /**
   * By how much its revision is to be above the backup's, as with `etcdutl snapshot restore
   * --bump-revision --mark-compacted`: enough, and no revision of the history before comes again.
   */
  readonly bumpRevision?: number
}

/**
 * A call takes effect when it is made, and is answered a microtask later. Watches hear of a change
 * in microtasks too, never inside the call that made it, each change once, in the order of revisions.
 */
export class MemoryStore implements Store {
  readonly #clock: Clock
  readonly #entries = new MemoryEntries()
  readonly #grants = new Map<string, Grant>()
  readonly #watchers = new Map<string, Set<Watcher>>()
  readonly #observers = new Set<MemoryObserver>()
  /** Who is told of candidates, by path. */
  readonly #followed = new Map<string, Set<CandidatesListener>>()
  readonly #resetListeners = new Set<() => void>()
  #history: Change[] = []
  /** Which history this is: it grows when the history is replaced. */
  #generation = 0
  #revision = 1
  /** The oldest revision that a watch can still start at. */
  #oldest = 1
  #grantCount = 0
  #alarm: { readonly deadlineMs: number; readonly timer: unknown } | null = null

  /** Leases run on the clock's monotonic side. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  async grant(ttl: number): Promise<Lease> {
    this.#expireDue()
    this.#grantCount += 1
    const lease: Lease = { id: String(this.#grantCount), ttlMs: Math.round(ttl * 1_000) }
    const deadlineMs = this.#clock.now() + lease.ttlMs
    this.#grants.set(lease.id, { ...lease, deadlineMs, paths: new Set() })
    this.#setAlarm()
    return lease
  }

  async renew(lease: Lease): Promise<number> {
    this.#expireDue()
    const grant = this.#standing(lease)
    grant.deadlineMs = this.#clock.now() + grant.ttlMs
    this.#setAlarm()
    return grant.ttlMs
  }

  async revoke(lease: Lease): Promise<void> {
    this.expire(lease.id)
  }

  async claim(
    path: string,
    text: string,
    lease: Lease,
    _call?: unknown,
    candidacy?: Candidacy,
  ): Promise<Claim> {
    this.#expireDue()
    const entry = this.#entries.get(path)
    // As in etcd's transactions: the lease is looked at only when a key is to be written.
    if (entry === undefined) {
      const { id } = this.#standing(lease, path)
      const token = this.#write(path, text, id)
      if (candidacy === undefined) return { won: true, token }
      this.#eraseAt([candidateAt(path, candidacy.instance)], token)
      return { won: true, token, isAlone: this.#entries.beside(path).length === 0 }
    }
    const revision = this.#revision
    if (candidacy === undefined) return { won: false, entry, revision }
    const { id } = this.#standing(lease)
    return { won: false, entry, revision: this.#enter(path, candidacy, id), hasEntered: true }
  }

  async propose(path: string, text: string, reign: Reign): Promise<number | null> {
    return this.#reigns(path, reign) ? this.#write(path, text, reign.lease) : null
  }

  async release(path: string, reign: Reign, notice: string | null): Promise<void> {
    if (!this.#reigns(path, reign)) return
    if (notice !== null) this.#write(path, notice, reign.lease)
    this.#erase(reign.created === undefined ? [path] : [path, reignAt(path)])
  }

  /** What stands at `path` now. */
  async read(path: string): Promise<Sighting> {
    this.#expireDue()
    return this.#now(path)
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    this.#expireDue()
    const watcher: Watcher = { next: from, listener, closed: false }
    this.#catchUp(path, watcher)
    const watchers = this.#watchers.get(path) ?? new Set()
    this.#watchers.set(path, watchers.add(watcher))
    this.#setAlarm()
    return {
      close: () => {
        watcher.closed = true
        watchers.delete(watcher)
        // The set in the map may be a newer one already, of watches that came after this set emptied.
        if (watchers.size === 0 && this.#watchers.get(path) === watchers) {
          this.#watchers.delete(path)
        }
        this.#setAlarm()
      },
    }
  }

  observe(prefix: string, listener: ObserveListener): Watch {
    this.#expireDue()
    const observer = new MemoryObserver(prefix, listener, this.#picture(), () => {
      this.#observers.delete(observer)
      this.#setAlarm()
    })
    this.#observers.add(observer)
    this.#setAlarm()
    return observer
  }

  readonly candidates: Candidates = {
    enter: async (path, candidacy, lease) => {
      this.#expireDue()
      if (!this.#entries.has(path)) return this.#revision
      return this.#enter(path, candidacy, this.#standing(lease, path).id)
    },

    leave: async (path, instance) => {
      this.#expireDue()
      const at = candidateAt(path, instance)
      this.#erase(this.#entries.has(at) ? [at] : [])
      return this.#now(path)
    },

    list: async (path) => {
      this.#expireDue()
      const listed: Candidate[] = []
      for (const [at, { text, token: since, revision, lease }] of this.#entries.beside(path)) {
        const instance = instanceAt(path, at)
        if (instance !== null && lease !== null)
          listed.push({ instance, text, since, revision, lease })
      }
      const waiting = listed.sort((one, other) => one.since - other.since)
      const request = this.#entries.get(transferAskedAt(path))
      const asked = request ? transferRequestOf(request.text, request.revision) : null
      return { ...this.#now(path), waiting, asked }
    },

    follow: (path, from, listener) => {
      const listeners = this.#followed.get(path) ?? new Set()
      this.#followed.set(path, listeners.add(listener))
      // Of what is not kept it has to ask.
      if (from < this.#oldest) queueMicrotask(() => listener.lost())
      else {
        for (const change of this.#changesFrom(from)) {
          if (pathBeside(change.path) === path) this.#tellBeside(listener, path, change)
        }
      }
      return {
        close: () => {
          listeners.delete(listener)
          if (listeners.size === 0 && this.#followed.get(path) === listeners) {
            this.#followed.delete(path)
          }
        },
      }
    },

    askTransfer: async (path, to, lease) => {
      this.#expireDue()
      this.#write(transferAskedAt(path), to ?? '', this.#standing(lease, path).id)
    },

    isOverdue: async (lease) => {
      this.#expireDue()
      const grant = this.#grants.get(lease)
      return (
        grant === undefined || grant.deadlineMs - this.#clock.now() < grant.ttlMs * OVERDUE_LEFT
      )
    },

    install: async (path, reign, { instance, revision, text, lease, knownUpTo }) => {
      const at = candidateAt(path, instance)
      const isSame = this.#reigns(path, reign) && this.#entries.get(at)?.revision === revision
      const latest = this.#entries.get(latestAt(path))?.revision ?? 0
      if (!isSame || latest > (knownUpTo ?? latest)) return null
      // As in etcd's transactions: of another history's lease the entry may have come back without it.
      const { id } = this.#standing({ id: lease }, path)
      const token = this.#write(path, text, id)
      this.#writeAt(reignAt(path), instance, lease, token)
      this.#eraseAt([at], token)
      return token
    },
  }

  /** Called in `restore`, when nothing of the history before is left. */
  onReset(listener: () => void): void {
    this.#resetListeners.add(listener)
  }

  /** There is nothing to do: what is open is closed with the last watch. */
  closeIdle(): void {}

  /** An operator writes at `path`, with no lease, whoever holds it. Returns the new revision. */
  put(path: string, text: string): number {
    this.#expireDue()
    return this.#write(path, text, null)
  }

  /** An operator deletes what stands at `path`. Returns whether anything did. */
  delete(path: string): boolean {
    this.#expireDue()
    const stood = this.#entries.has(path)
    this.#erase(stood ? [path] : [])
    return stood
  }

  /** Ends a lease before its time. Returns whether it was there. */
  expire(leaseId: string): boolean {
    this.#expireDue()
    const grant = this.#grants.get(leaseId)
    if (grant === undefined) return false
    this.#end(grant)
    this.#setAlarm()
    return true
  }

  /** Forgets every change before `revision`, as etcd's compaction does; by default all but the last. */
  compact(revision: number = this.#revision): void {
    if (!Number.isInteger(revision) || revision < 1 || revision > this.#revision) {
      throw new RangeError(
        `compact: revision must be an integer from 1 to ${this.#revision}, and is ${revision}`,
      )
    }
    if (revision <= this.#oldest) return
    this.#oldest = revision
    this.#history = this.#history.filter((change) => change.revision >= revision)
  }

  /** What the store holds now, without its history. */
  backup(): MemoryBackup {
    this.#expireDue()
    return {
      revision: this.#revision,
      entries: new Map(this.#entries),
      leases: [...this.#grants.values()].map(({ id, ttlMs }) => ({ id, ttlMs })),
    }
  }

  /**
   * The history is replaced by another, as when etcd is restored from a backup; without one, as when
   * it has lost its data: everything is gone, and revisions begin anew. What stood in the backup
   * stands again, and leases that had not ended by then have their whole ttl left, as when etcd starts.
   *
   * A watch of the history before hears nothing until the new one comes to its revision; if that is
   * passed already, it hears of its path as it is now.
   */
  restore(backup: MemoryBackup | null = null, { bumpRevision = 0 }: RestoreOptions = {}): void {
    if (!Number.isInteger(bumpRevision) || bumpRevision < 0) {
      throw new RangeError(
        `restore: bumpRevision must be an integer, 0 or more, and is ${bumpRevision}`,
      )
    }
    const nowMs = this.#clock.now()
    this.#generation += 1
    this.#history = []
    this.#revision = (backup?.revision ?? 1) + bumpRevision
    // A new store has nothing to tell of the time before; a restored one knows the outcome only.
    this.#oldest = backup === null ? this.#revision : this.#revision + 1
    this.#entries.clear()
    // Leases are never given an id twice, not even in another history: etcd's ids have the time in them.
    this.#grants.clear()
    for (const lease of backup?.leases ?? []) {
      this.#grants.set(lease.id, { ...lease, deadlineMs: nowMs + lease.ttlMs, paths: new Set() })
    }
    for (const [path, entry] of backup?.entries ?? []) {
      this.#entries.set(path, entry)
      if (entry.lease !== null) this.#grants.get(entry.lease)?.paths.add(path)
    }
    for (const listener of [...this.#resetListeners]) listener()
    for (const listener of [...this.#followed.values()].flatMap((one) => [...one])) listener.lost()
    for (const [path, watchers] of this.#watchers) {
      for (const watcher of watchers) this.#catchUp(path, watcher)
    }
    for (const observer of this.#observers) observer.beginAnew(this.#picture())
    this.#setAlarm()
  }

  /** The leases that stand now. */
  leases(): readonly LeaseState[] {
    this.#expireDue()
    return [...this.#grants.values()].map(({ id, ttlMs, deadlineMs }) => ({
      id,
      ttlMs,
      leftMs: deadlineMs - this.#clock.now(),
    }))
  }

  /** What stands now, by path. */
  entries(): ReadonlyMap<string, Entry> {
    this.#expireDue()
    return new Map(this.#entries)
  }

  /** How many watches are open, observers among them. */
  get watchers(): number {
    return [...this.#watchers.values(), this.#observers].reduce((sum, { size }) => sum + size, 0)
  }

  #picture() {
    return { found: new Map(this.#entries), revision: this.#revision }
  }

  #now(path: string): Sighting {
    return { entry: this.#entries.get(path) ?? null, revision: this.#revision }
  }

  #standing(lease: Pick<Lease, 'id'>, path?: string): Grant {
    const grant = this.#grants.get(lease.id)
    if (grant === undefined) {
      throw new LeaseGoneError(`lease ${lease.id} no longer exists: grant a new one`, { path })
    }
    return grant
  }

  #reigns(path: string, { token, lease, created }: Reign): boolean {
    this.#expireDue()
    const entry = this.#entries.get(path)
    if (entry?.lease !== lease || entry.token !== (created ?? token)) return false
    const handedOverAt = this.#entries.get(reignAt(path))?.revision ?? 0
    return created === undefined ? handedOverAt < token : handedOverAt === token
  }

  #enter(path: string, { instance, text }: Candidacy, lease: string): number {
    const revision = this.#write(candidateAt(path, instance), text, lease)
    this.#writeAt(latestAt(path), instance, lease, revision)
    return revision
  }

  #write(path: string, text: string, lease: string | null): number {
    this.#revision += 1
    this.#writeAt(path, text, lease, this.#revision)
    return this.#revision
  }

  #writeAt(path: string, text: string, lease: string | null, revision: number): void {
    const known = this.#entries.get(path)
    this.#detach(path, known)
    if (lease !== null) this.#grants.get(lease)?.paths.add(path)
    const entry: Entry = { text, token: known?.token ?? revision, revision, lease }
    this.#entries.set(path, entry)
    this.#record({ path, entry, revision })
  }

  /** Deletes all of `paths` in one revision. */
  #erase(paths: readonly string[]): void {
    if (paths.length === 0) return
    this.#revision += 1
    this.#eraseAt(paths, this.#revision)
  }

  #eraseAt(paths: readonly string[], revision: number): void {
    for (const path of paths) {
      const entry = this.#entries.get(path)
      if (entry === undefined) continue
      this.#detach(path, entry)
      this.#entries.delete(path)
      this.#record({ path, entry: null, revision })
    }
  }

  #detach(path: string, entry: Entry | undefined): void {
    if (entry?.lease != null) this.#grants.get(entry.lease)?.paths.delete(path)
  }

  #record(change: Change): void {
    this.#history.push(change)
    if (this.#history.length > HISTORY_LIMIT) {
      this.compact(this.#history[HISTORY_LIMIT / 2]?.revision)
    }
    const { path, entry, revision } = change
    for (const watcher of this.#watchers.get(path) ?? []) {
      if (revision >= watcher.next) this.#tell(watcher, { entry, revision })
    }
    for (const observer of this.#observers) observer.take(path, { entry, revision })
    const beside = pathBeside(path)
    for (const listener of this.#followed.get(beside) ?? []) {
      this.#tellBeside(listener, beside, change)
    }
  }

  #tellBeside(
    listener: CandidatesListener,
    beside: string,
    { path, entry, revision }: Change,
  ): void {
    const instance = instanceAt(beside, path)
    queueMicrotask(() => {
      if (!this.#followed.get(beside)?.has(listener)) return
      if (path === transferAskedAt(beside)) {
        if (entry !== null) listener.asked?.(transferRequestOf(entry.text, revision))
      } else if (instance === null) return
      else if (entry === null || entry.lease === null) listener.left(instance)
      else {
        const { text, token: since, lease } = entry
        listener.entered({ instance, text, since, revision, lease })
      }
    })
  }

  /** Tells a watch what it has missed; the path as it is, if that is no longer known. */
  #catchUp(path: string, watcher: Watcher): void {
    const from = watcher.next
    const past =
      from < this.#oldest
        ? [this.#now(path)]
        : this.#changesFrom(from).filter((change) => change.path === path)
    for (const { entry, revision } of past) this.#tell(watcher, { entry, revision })
  }

  #changesFrom(from: number): readonly Change[] {
    return this.#history.slice(this.#history.findLastIndex(({ revision }) => revision < from) + 1)
  }

  /** Microtasks run in the order they were queued in, and one that throws does not stop the next. */
  #tell(watcher: Watcher, sighting: Sighting): void {
    const generation = this.#generation
    watcher.next = sighting.revision + 1
    queueMicrotask(() => {
      // What was on its way when the history was replaced is lost, as with a connection.
      const isOfToday = generation === this.#generation
      if (!watcher.closed && isOfToday) watcher.listener.seen(sighting)
    })
  }

  #end(grant: Grant): void {
    this.#grants.delete(grant.id)
    this.#erase([...grant.paths])
  }

  /** Every call begins with this, so that no lease outlives its deadline because a timer is late. */
  #expireDue(): void {
    const nowMs = this.#clock.now()
    const due = [...this.#grants.values()].filter(({ deadlineMs }) => deadlineMs <= nowMs)
    if (due.length === 0) return
    for (const grant of due.sort((a, b) => a.deadlineMs - b.deadlineMs)) this.#end(grant)
    this.#setAlarm()
  }

  /** A timer is needed only for watches, which have to hear of an expiry that no call brings about. */
  #setAlarm(): void {
    const deadlines = [...this.#grants.values()].map(({ deadlineMs }) => deadlineMs)
    const isWatched = this.#watchers.size > 0 || this.#observers.size > 0
    const deadlineMs = !isWatched ? Number.POSITIVE_INFINITY : Math.min(...deadlines)
    if (this.#alarm?.deadlineMs === deadlineMs) return
    if (this.#alarm !== null) this.#clock.clearTimeout(this.#alarm.timer)
    this.#alarm = null
    if (deadlineMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.min(Math.ceil(deadlineMs - this.#clock.now()), LONGEST_DELAY_MS)
    const timer = this.#clock.setTimeout(() => {
      this.#alarm = null
      this.#expireDue()
      this.#setAlarm()
    }, delayMs)
    this.#alarm = { deadlineMs, timer }
  }
}

/** Where every copy of this package finds them. The number goes up when a copy of before could not use them. */
const STORES = Symbol.for('locked.memory-stores.1')

/**
 * The one store of that name in this thread, on the system's clock, whichever copy of this package
 * asks for it first; `''` is a name like any other. A worker thread has stores of its own.
 */
export function memoryStoreNamed(name: string): MemoryStore {
  const stores = storesHere()
  const store = stores.get(name) ?? new MemoryStore()
  stores.set(name, store)
  return store
}

function storesHere(): Map<string, MemoryStore> {
  const shared: typeof globalThis & { [STORES]?: Map<string, MemoryStore> } = globalThis
  shared[STORES] ??= new Map()
  return shared[STORES]
}
