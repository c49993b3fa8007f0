import { noop } from 'cockatiel'
import { type Campaign, Etcd3 } from 'etcd3'
import { now } from '../now.js'
import { type Candidate, type Contender, TTL } from './contender.js'

/**
 * The election that comes with the etcd3 package, used as its documentation says, but without its
 * circuit breaker: with it, 100 campaigns of one process that wait for others end in errors.
 */
export class Etcd3Contender implements Contender {
  readonly #client: Etcd3
  #made = 0

  constructor(endpoint: string) {
    this.#client = new Etcd3({
      hosts: `http://${endpoint}`,
      faultHandling: { host: () => noop, global: noop },
    })
  }

  async warm(): Promise<void> {
    await this.#client.get('bench-warm')
  }

  async join(paths: readonly string[]): Promise<readonly Candidate[]> {
    const joining = paths.map(async (path) => {
      this.#made += 1
      const campaign = this.#client.election(path, TTL).campaign(`node-${this.#made}`)
      const candidate = new Etcd3Candidate(campaign)
      // Its own tests use this event: it is about to wait for others to go.
      const waits = new Promise<void>((resolve) => {
        campaign.on('_isWaiting' as 'elected', () => resolve())
      })
      await Promise.race([candidate.electedAt(), waits])
      return candidate
    })
    return await Promise.all(joining)
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

class Etcd3Candidate implements Candidate {
  readonly #campaign: Campaign
  #electedAt = 0

  constructor(campaign: Campaign) {
    this.#campaign = campaign
    campaign.once('elected', () => {
      this.#electedAt = now()
    })
    // Whoever waits for the election hears of it as well.
    campaign.on('error', () => undefined)
  }

  electedAt(): Promise<number> {
    if (this.#electedAt > 0) return Promise.resolve(this.#electedAt)
    return new Promise((resolve, reject) => {
      this.#campaign.once('elected', () => resolve(this.#electedAt))
      this.#campaign.once('error', reject)
    })
  }

  leave(): Promise<void> {
    return this.#campaign.resign()
  }
}
