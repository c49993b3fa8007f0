import { onTestFinished } from 'vitest'
import locked, {
  type Call,
  type Claim,
  type Json,
  type Lease,
  type LockedNode,
  type Locker,
  type Reign,
} from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import type { VirtualClock } from '../../../src/testing/virtual-clock.js'

export const path = '/master'

/** A memory store whose answers can be held back and replaced by failures. */
export class StubbornStore extends MemoryStore {
  refusal: Error | null = null
  claimFailures: Error[] = []
  renewFailure: Error | null = null
  readFailure: Error | null = null
  proposeRefusal: Error | null = null
  proposeFailures: Error[] = []
  #hold: Promise<void> | null = null

  /** Holds claims back. Returns the function that lets them go. */
  holdBack(): () => void {
    const { opened, open } = gate()
    this.#hold = opened
    return open
  }

  override async claim(at: string, text: string, lease: Lease, _call?: Call): Promise<Claim> {
    await this.#hold
    const failure = this.refusal ?? this.claimFailures.shift()
    if (failure != null) throw failure
    return super.claim(at, text, lease)
  }

  override async renew(lease: Lease, _call?: Call): Promise<number> {
    if (this.renewFailure !== null) throw this.renewFailure
    return super.renew(lease)
  }

  override async read(at: string, _call?: Call) {
    if (this.readFailure !== null) throw this.readFailure
    return super.read(at)
  }

  override async propose(at: string, text: string, reign: Reign, _call?: Call) {
    const failure = this.proposeRefusal ?? this.proposeFailures.shift()
    if (failure != null) throw failure
    return super.propose(at, text, reign)
  }
}

/** A memory store in which a notice stands for a while before the deletion. */
export class HesitantStore extends MemoryStore {
  claims = 0
  goesOnAfterClaim = false
  readonly #deletion = gate()

  goOn(): void {
    this.#deletion.open()
  }

  override async claim(at: string, text: string, lease: Lease, _call?: Call): Promise<Claim> {
    this.claims += 1
    const claim = await super.claim(at, text, lease)
    if (this.goesOnAfterClaim) this.goOn()
    return claim
  }

  override async release(at: string, reign: Reign, notice: string | null): Promise<boolean> {
    if (notice !== null) await super.propose(at, notice, reign)
    await this.#deletion.opened
    return super.release(at, reign, null)
  }
}

/** Its nodes are stopped when the test ends. */
export function lockerOn(store = new MemoryStore(), clock?: VirtualClock): Locker {
  const locker = locked(store, clock === undefined ? {} : { clock })
  onTestFinished(async () => {
    const closed = locker.close()
    await clock?.advance(60_000)
    await closed
  })
  return locker
}

/** A leader `a` with the value 10, and a follower `b` with the value `{ x: 1 }`. */
export async function twoStarted(store = new MemoryStore()): Promise<[LockedNode, LockedNode]> {
  const leader = lockerOn(store)({ path, id: 'a', value: 10 })
  const follower = lockerOn(store)({ path, id: 'b', value: { x: 1 } })
  await leader.start()
  await follower.start()
  return [leader, follower]
}

const eventNames = [
  'change',
  'select',
  'selected',
  'deselect',
  'refresh',
  'vacant',
  'unreachable',
  'error',
] as const

/** What the node tells from now on, in order. */
export function record(node: LockedNode): unknown[][] {
  const events: unknown[][] = []
  for (const name of eventNames) node.on(name, (...args: unknown[]) => events.push([name, ...args]))
  return events
}

export function known({ state, isLeader, holder, token }: LockedNode) {
  return { state, isLeader, holder, token }
}

export function standing(store: MemoryStore, at: string): { id: string; value: Json } | null {
  const entry = store.entries().get(at)
  return entry === undefined ? null : JSON.parse(entry.text)
}

export function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Lets everything happen that waits for nothing but promises. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export async function untilStopped(node: LockedNode): Promise<void> {
  while (node.state !== 'stopped') await turns()
}

export async function stopAll(...nodes: readonly (LockedNode | undefined)[]): Promise<void> {
  await Promise.all(nodes.map((node) => node?.stop()))
}

/** What would have ended the process. */
export function listenForCrashes(): unknown[] {
  const crashes: unknown[] = []
  const listen = (reason: unknown) => crashes.push(reason)
  process.on('unhandledRejection', listen)
  process.on('uncaughtException', listen)
  onTestFinished(() => {
    process.off('unhandledRejection', listen)
    process.off('uncaughtException', listen)
  })
  return crashes
}
