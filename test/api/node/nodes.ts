import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../../src/clock.js'
import locked, { type Json, type LockedNode, type Locker, type Store } from '../../../src/index.js'
import { type Fate, Link, type Message } from '../../../src/stores/link.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import type { VirtualClock } from '../../../src/testing/virtual-clock.js'

export const path = '/master'

type Others = { readonly [Name in keyof Store]?: Store[Name] | undefined }

/** The same store, but for `others`. */
export function withOther(store: Store, others: Others): Store {
  return new Proxy(store, {
    get(target, name) {
      const found: unknown = Reflect.get(name in others ? others : target, name)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
}

/** The same store to nodes that know of no hand-over. */
export function withoutHandOver(store: Store): Store {
  return withOther(store, { candidates: undefined })
}

/** A memory store behind a link. A request fares as `requests` says of its call, or is carried out at once. */
export function makeLink(clock: Clock = systemClock) {
  const store = new MemoryStore(clock)
  const requests: Partial<Record<NonNullable<Message['call']>, () => Fate>> = {}
  const link = new Link(store, clock, ({ call, isAnswer }) =>
    isAnswer || call === null ? 0 : (requests[call]?.() ?? 0),
  )
  return { store, link, requests }
}

/** Its nodes are stopped when the test ends. */
export function lockerOn(store: Store = new MemoryStore(), clock?: VirtualClock): Locker {
  const locker = locked(store, clock === undefined ? {} : { clock })
  onTestFinished(async () => {
    const closed = locker.close()
    await clock?.advance(60_000)
    await closed
  })
  return locker
}

/** A leader `a` with the value 10, and a follower `b` with the value `{ x: 1 }`. */
export async function twoStarted(
  store: Store = new MemoryStore(),
): Promise<[LockedNode, LockedNode]> {
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
