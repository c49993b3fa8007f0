import { errorFrom } from '../../src/errors.js'
import { decodeRecord, holderFrom } from '../../src/record.js'
import type { Link } from '../../src/stores/link.js'
import type {
  Call,
  Candidacy,
  Candidates,
  Claim,
  Entry,
  Lease,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from '../../src/stores/store.js'

/** Writes down which requests a process sends, and what comes back. */
export class TracedStore implements Store {
  readonly candidates: Candidates
  readonly #link: Link
  readonly #write: (line: string) => void

  constructor(link: Link, write: (line: string) => void) {
    this.#link = link
    this.#write = write
    const { candidates } = link
    if (candidates === undefined) throw new Error('the texts are of a store with hand-over')
    this.candidates = this.#traced(candidates)
  }

  grant(ttl: number, call: Call): Promise<Lease> {
    return this.#ask(`grant ${ttl} s`, this.#link.grant(ttl, call), ({ id }) => `lease ${id}`)
  }

  renew(lease: Lease, call: Call, paths: Iterable<string>): Promise<number> {
    const asking = this.#link.renew(lease, call, paths)
    return this.#ask(`renew lease ${lease.id}`, asking, (ttlMs) => `${ttlMs / 1_000} s`)
  }

  revoke(lease: Lease, call: Call): Promise<void> {
    return this.#ask(`revoke lease ${lease.id}`, this.#link.revoke(lease, call), () => 'revoked')
  }

  claim(
    path: string,
    text: string,
    lease: Lease,
    call: Call,
    candidacy?: Candidacy,
  ): Promise<Claim> {
    const asking = this.#link.claim(path, text, lease, call, candidacy)
    return this.#ask(`claim ${what(text)} under lease ${lease.id}`, asking, (claim) => {
      if (claim.won) return `won, token ${claim.token}${claim.isAlone ? '; nobody waits' : ''}`
      return `held: ${standing(claim.entry)}${claim.hasEntered ? '; entered as candidate' : ''}`
    })
  }

  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    const asking = this.#link.propose(path, text, reign, call)
    return this.#ask(`propose ${what(text)} in ${name(reign)}`, asking, (revision) =>
      revision === null ? 'that reign is over' : `revision ${revision}`,
    )
  }

  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<void> {
    const asking = this.#link.release(path, reign, notice, call)
    const how = notice === null ? '' : ', with a notice'
    return this.#ask(`release ${name(reign)}${how}`, asking, () => 'released')
  }

  read(path: string, call: Call): Promise<Sighting> {
    return this.#ask('read', this.#link.read(path, call), ({ entry }) => standing(entry))
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    this.#write(`-> watch from revision ${from}`)
    return this.#link.watch(path, from, {
      seen: (sighting) => {
        this.#write(`<- watch, revision ${sighting.revision}: ${standing(sighting.entry)}`)
        listener.seen(sighting)
      },
      retrying: (error, attempt) => listener.retrying(error, attempt),
      refused: (error) => listener.refused(error),
    })
  }

  onReset(listener: () => void): void {
    this.#link.onReset(() => {
      this.#write('<- the history was replaced')
      listener()
    })
  }

  closeIdle(): void {
    this.#link.closeIdle()
  }

  #traced(candidates: Candidates): Candidates {
    return {
      enter: (path, candidacy, lease, call) =>
        this.#ask(
          `enter ${what(candidacy.text)} under lease ${lease.id}`,
          candidates.enter(path, candidacy, lease, call),
          (revision) => `entered, revision ${revision}`,
        ),
      leave: (path, instance, call) =>
        this.#ask(
          'leave the candidates',
          candidates.leave(path, instance, call),
          ({ entry }) => `left; ${standing(entry)}`,
        ),
      list: (path, call) =>
        this.#ask('list the candidates', candidates.list(path, call), ({ waiting }) =>
          waiting.length === 0 ? 'nobody waits' : waiting.map(({ text }) => what(text)).join(', '),
        ),
      install: (path, reign, candidate, call) =>
        this.#ask(
          `install ${what(candidate.text)} in place of ${name(reign)}`,
          candidates.install(path, reign, candidate, call),
          (token) => (token === null ? 'not installed' : `installed, token ${token}`),
        ),
      follow: (path, from, listener) => {
        this.#write(`-> follow the candidates from revision ${from}`)
        return candidates.follow(path, from, listener)
      },
      askTransfer: (path, to, lease, call) => candidates.askTransfer(path, to, lease, call),
      isOverdue: (lease, call) =>
        this.#ask(`ask for lease ${lease}`, candidates.isOverdue(lease, call), (isOverdue) =>
          isOverdue ? 'overdue' : 'renewed in time',
        ),
    }
  }

  async #ask<Answer>(
    request: string,
    asking: Promise<Answer>,
    answered: (answer: Answer) => string,
  ): Promise<Answer> {
    this.#write(`-> ${request}`)
    const [verb] = request.split(' ')
    try {
      const answer = await asking
      this.#write(`<- ${verb}: ${answered(answer)}`)
      return answer
    } catch (thrown) {
      this.#write(`<- ${verb}: ${errorFrom(thrown).name}`)
      throw thrown
    }
  }
}

function name({ token, lease }: Reign): string {
  return `the reign of token ${token} under lease ${lease}`
}

function standing(entry: Entry | null): string {
  if (entry === null) return 'vacant'
  return `${what(entry.text)}, token ${holderFrom(entry).token}, lease ${entry.lease ?? 'none'}`
}

function what(text: string): string {
  const record = decodeRecord(text)
  if (record === null) return text
  const { id, value, released } = record
  return `${id} with ${JSON.stringify(value)}${released ? ', which stands down' : ''}`
}
