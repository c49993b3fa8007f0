import type { ObserveListener, Sighting, TransferRequest } from './store.js'

/**
 * Where a path's candidates stand: beside it, each under its instance. What stands there is nobody's
 * path, so whoever lists paths leaves it out.
 */
const FOLDER = '/.candidates/'

/** Whether that key is of what stands beside a path, and is no path itself. */
export function isCandidateEntry(key: string): boolean {
  return key.includes(FOLDER)
}

/** The path that it stands beside; the key itself where that is a path. */
export function pathBeside(key: string): string {
  const at = key.lastIndexOf(FOLDER)
  return at === -1 ? key : key.slice(0, at)
}

/** Whether whoever observes all paths that begin with `prefix` is told what stands there. */
export function isObserved(at: string, prefix: string, listener: ObserveListener): boolean {
  if (!isCandidateEntry(at)) return at.startsWith(prefix)
  return listener.beside !== undefined && pathBeside(at).startsWith(prefix)
}

/** Tells what stands at a path, or beside one. */
export function tellSeen(listener: ObserveListener, at: string, sighting: Sighting): void {
  if (isCandidateEntry(at)) listener.beside?.(at, sighting)
  else listener.seen(at, sighting)
}

/** What the entries of all candidates for `path` begin with. */
export function candidatesAt(path: string): string {
  return `${path}${FOLDER}`
}

/** Where the candidate with that instance stands. */
export function candidateAt(path: string, instance: string): string {
  return `${path}${FOLDER}${instance}`
}

/**
 * What every hand-over of `path` writes, and nothing else does: its latest change is the token of the
 * reign that it began. The path's own key keeps its create revision in a hand-over, and a lease may
 * come to hold it twice, so that neither tells one reign from another.
 */
export function reignAt(path: string): string {
  return `${path}${FOLDER}.reign`
}

/** What everybody writes who enters, or changes what it would write: its latest change tells of the last of them. */
export function latestAt(path: string): string {
  return `${path}${FOLDER}.latest`
}

/** Where one asks the leader to hand over: to the candidate whose id is written there, or to whoever is next. */
export function transferAskedAt(path: string): string {
  return `${path}${FOLDER}.transfer`
}

/** What is asked for there. No id is empty. */
export function transferRequestOf(text: string, revision: number): TransferRequest {
  return { to: text === '' ? null : text, revision }
}

/** The instance whose entry stands there; `null` for what is not a candidate's entry. */
export function instanceAt(path: string, at: string): string | null {
  const folder = candidatesAt(path)
  const instance = at.startsWith(folder) ? at.slice(folder.length) : ''
  return instance === '' || instance.startsWith('.') ? null : instance
}
