import type { NodeHolder } from '../node-types.js'
import { LockedObserver, type Observation } from './observer.js'

/** Follows who holds one path, and tells of it when it is vacant at the beginning, too. */
export class LockedPathObserver extends LockedObserver {
  constructor(observation: Observation) {
    super(observation, true)
  }

  /** Who holds the path; `null` when it is vacant or not known. */
  get holder(): NodeHolder | null {
    return this.holders.get(this.path) ?? null
  }
}
