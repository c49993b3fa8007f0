import type { Sighting, WatchListener } from '../../src/stores/store.js'
import { PATIENCE_MS } from '../patience.js'

/** Keeps what a watch reports, and lets a test wait for it. */
export class Recorder implements WatchListener {
  readonly sightings: Sighting[] = []
  readonly refusals: Error[] = []
  #waiting: (() => void)[] = []

  seen(sighting: Sighting): void {
    this.sightings.push(sighting)
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  /** Trouble is no fault: the store goes on by itself. */
  retrying(): void {}

  refused(error: Error): void {
    this.refusals.push(error)
  }

  /** The texts reported so far, `null` where the path was vacant. */
  get texts(): (string | null)[] {
    return this.sightings.map(({ entry }) => entry?.text ?? null)
  }

  /** Resolves with the first sighting that is `wanted`, of those so far and those to come. */
  first(wanted: (sighting: Sighting) => boolean): Promise<Sighting> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.sightings.find(wanted)
        if (found === undefined) {
          this.#waiting.push(look)
          return
        }
        clearTimeout(timer)
        resolve(found)
      }
      const timer = setTimeout(() => {
        const problem = this.refusals.length > 0 ? `refused with ${this.refusals[0]}` : 'in vain'
        reject(new Error(`waited ${problem}; seen so far: ${JSON.stringify(this.texts)}`))
      }, PATIENCE_MS)
      look()
    })
  }

  /** Resolves with the first sighting of `text`; `null` is a vacant path. */
  firstOf(text: string | null): Promise<Sighting> {
    return this.first(({ entry }) => (entry?.text ?? null) === text)
  }
}
