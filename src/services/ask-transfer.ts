import { NoCandidateError, UnreachableError } from '../errors.js'
import { holderFrom } from '../record.js'
import type { Candidates, Entry, Store } from '../stores/store.js'
import { type Competitor, competitorsOf } from './competitors.js'

/** So much longer than it is waited for, in seconds, what was asked may stand there. */
const SPARE_S = 5

/**
 * Asks the leader of `path` to hand over, from outside of its process: to the candidate with the id
 * `to`, or to whoever is next. Resolves with the new holder.
 *
 * @throws NoCandidateError (as a rejection) when nobody leads, or nobody waits who could be meant.
 * @throws UnreachableError (as a rejection) when nothing has come of it within `timeoutMs`.
 */
export async function askTransfer(
  store: Store & { readonly candidates: Candidates },
  path: string,
  to: string | null,
  timeoutMs: number,
): Promise<Competitor> {
  const call = { timeoutMs }
  const before = await store.candidates.list(path, call)
  assertPossible(competitorsOf(before), path, to)
  const lease = await store.grant(timeoutMs / 1_000 + SPARE_S, call)
  try {
    const entry = await new Promise<Entry>((resolve, reject) => {
      const tooLate = new UnreachableError(
        `transfer: the leader of ${path} has not handed over within ${timeoutMs} ms: its work may not have ended yet, it may be cut off, or of a version without hand-over, or it may not read what stands beside the path`,
        { path },
      )
      const end = (settle: () => void) => {
        clearTimeout(timer)
        watch.close()
        settle()
      }
      const timer = setTimeout(() => end(() => reject(tooLate)), timeoutMs)
      const watch = store.watch(path, before.revision + 1, {
        seen({ entry: now }) {
          if (now !== null && !isSameReign(now, before.entry)) end(() => resolve(now))
        },
        retrying: () => undefined,
        refused: (error) => end(() => reject(error)),
      })
      const asking = store.candidates.askTransfer(path, to, lease, call)
      asking.catch((thrown: Error) => end(() => reject(thrown)))
    })
    const { id, value, token } = holderFrom(entry)
    return { id, value, since: BigInt(token), isHolder: true }
  } finally {
    // What was asked goes with it.
    await store.revoke(lease, call).catch(() => undefined)
  }
}

function assertPossible(competitors: readonly Competitor[], path: string, to: string | null): void {
  const holder = competitors.find(({ isHolder }) => isHolder)
  const others = competitors.filter(({ isHolder }) => !isHolder)
  if (holder === undefined) {
    throw new NoCandidateError(`transfer: nobody leads ${path}: there is nothing to hand over`, {
      path,
    })
  }
  if (to !== null && holder.id === to) {
    throw new NoCandidateError(`transfer: ${JSON.stringify(to)} leads ${path} already`, { path })
  }
  if (others.some(({ id }) => to === null || id === to)) return
  const who = to === null ? 'nobody' : `nobody with the id ${JSON.stringify(to)}`
  const waiting = others.map(({ id }) => JSON.stringify(id)).join(', ')
  const known = to === null || others.length === 0 ? '' : `; there wait ${waiting}`
  throw new NoCandidateError(`transfer: ${who} waits for ${path}${known}`, { path })
}

function isSameReign(now: Entry, before: Entry | null): boolean {
  if (before === null) return false
  return holderFrom(now).token === holderFrom(before).token
}
