import { once } from 'node:events'
import { describe, expect, onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { type LockedNode, locked } from '../../src/index.js'
import { memberEndpoint } from '../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../src/stores/etcd/etcd-store.js'
import { type Fate, Link, type Message } from '../../src/testing/index.js'
import { patiently } from '../patience.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

/** So long that no session ends, however busy the machine is. */
const AMPLE_TTL = 120
const PATH = '/expired'

describe('a candidate whose session ends while its lease lives', () => {
  test('before it is installed: it does not lead by that, and there is a leader in time', async ({
    scene,
  }) => {
    const held = await leaderAndCandidate(scene)
    const { a, b, hold } = held
    // Its renewals reach etcd, and their answers do not come.
    hold.begin(answerTo('renew'), requestOf('revoke'), requestOf('grant'))
    await patiently(() => expect(isWithoutSession(b)).toBe(true))
    await a.stop()
    await expectToLeadAnew(scene, held)
  })

  test('once it is installed, before it is told: the same', async ({ scene }) => {
    const held = await leaderAndCandidate(scene)
    const { a, b, hold } = held
    const told = [answerTo('renew'), answerTo('watch')]
    hold.begin(...told, requestOf('revoke'), requestOf('grant'))
    await a.stop()
    await patiently(() => expect(isWithoutSession(b)).toBe(true))
    await expectToLeadAnew(scene, held)
  })
})

interface Held {
  readonly a: LockedNode
  readonly b: LockedNode
  /** What `b` was selected with. */
  readonly selects: readonly unknown[]
  readonly hold: Hold
}

/** Its record stands there by the hand-over, which it does not use: it is elected by a claim of its own. */
async function expectToLeadAnew(scene: Scene, { b, selects, hold }: Held): Promise<void> {
  const installed = await standing(scene)
  expect(installed?.text).toContain('"id":"b"')
  expect([b.isLeader, selects]).toEqual([false, []])
  const selected = once(b, 'select')
  const healedAt = now()
  hold.end()
  await selected
  scene.expectInTime(now(), healedAt, leaderWithinMs(scene.ttl))
  const elected = await standing(scene)
  expect(elected?.lease).not.toBe(installed?.lease)
  expect(b.token).toBeGreaterThan(BigInt(installed?.revision ?? 0))
}

/** `a` leads, and `b` waits, whose messages can be held. */
async function leaderAndCandidate(scene: Scene): Promise<Held> {
  scene.ttl = 6
  const [address = ''] = (await scene.startEtcd()).endpoints
  const hold = new Hold()
  const store = new EtcdStore([memberEndpoint({ secure: false, address }, {})])
  const link = new Link(store, systemClock, (message) => hold.fate(message))
  const lockers = [locked(address), locked(link)] as const
  onTestFinished(async () => {
    hold.end()
    for (const locker of lockers) await locker.close()
  })
  const a = lockers[0](PATH, { id: 'a', value: 'a', ttl: AMPLE_TTL })
  const b = lockers[1](PATH, { id: 'b', value: 'b', ttl: scene.ttl })
  const selects: unknown[] = []
  b.on('select', (value) => selects.push(value))
  await a.start()
  await b.start()
  return { a, b, selects, hold }
}

/** What stands at the path; its lease lives, or it would be gone. */
async function standing({ operator }: Scene) {
  const [kv] = (await operator.get(PATH).exec()).kvs
  return kv && { text: kv.value.toString(), lease: kv.lease, revision: kv.mod_revision }
}

function isWithoutSession(node: LockedNode): boolean {
  const snapshot = node.actor.getSnapshot()
  return snapshot.matches({ follower: 'reopening' }) || snapshot.matches('campaigning')
}

type Kind = (message: Message) => boolean

function answerTo(kind: Message['call']): Kind {
  return ({ call, isAnswer }) => isAnswer && call === kind
}

function requestOf(kind: Message['call']): Kind {
  return ({ call, isAnswer }) => !isAnswer && call === kind
}

/** Holds messages of some kinds back while that lasts; then they arrive. */
class Hold {
  #held: readonly Kind[] = []
  #arrive: () => void = () => undefined
  #arrived: Promise<void> = Promise.resolve()

  begin(...kinds: readonly Kind[]): void {
    this.#held = kinds
    this.#arrived = new Promise((resolve) => {
      this.#arrive = resolve
    })
  }

  end(): void {
    this.#held = []
    this.#arrive()
  }

  fate(message: Message): Fate {
    return this.#held.some((isHeld) => isHeld(message)) ? this.#arrived : 0
  }
}
