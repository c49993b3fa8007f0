import type { SnapshotFrom } from 'xstate'
import type { ElectionActor, ElectionMachine } from '../machines/election.js'

interface Proposal {
  resolve(): void
  reject(error: Error): void
}

/** One for thousands of nodes that propose nothing. */
const NONE: readonly Proposal[] = []

/** The values that were proposed and of which it is not known yet whether they are taken. */
export class Proposals {
  #underWay: readonly Proposal[] = NONE

  /**
   * Resolves once the value that `actor` was sent is written, or is remembered for a time when it can
   * be; whoever is not interested need not be.
   */
  follow(actor: ElectionActor): Promise<void> {
    const proposing = new Promise<void>((resolve, reject) => {
      if (!isUnderWay(actor.getSnapshot())) {
        resolve()
        return
      }
      const end = () => {
        this.#underWay = this.#underWay.filter((one) => one !== proposal)
        subscription.unsubscribe()
      }
      const taken = () => {
        end()
        resolve()
      }
      const proposal: Proposal = {
        resolve: taken,
        reject(error) {
          end()
          reject(error)
        },
      }
      this.#underWay = this.#underWay.concat(proposal)
      const subscription = actor.subscribe({
        next(snapshot) {
          if (!isUnderWay(snapshot)) taken()
        },
        // Another actor takes the place of one that has ended, with the value that it had.
        error: taken,
        complete: taken,
      })
    })
    proposing.catch(() => undefined)
    return proposing
  }

  /** The store does not take the latest; those before it were replaced by that. */
  refuse(error: Error): void {
    for (const proposal of this.#underWay) proposal.reject(error)
  }
}

function isUnderWay(snapshot: SnapshotFrom<ElectionMachine>): boolean {
  if (snapshot.status !== 'active') return false
  return (
    snapshot.matches({ leader: 'proposing' }) ||
    snapshot.matches({ leader: 'waiting' }) ||
    snapshot.matches({ follower: 'enqueueing' }) ||
    snapshot.matches({ follower: 'pausing' })
  )
}
