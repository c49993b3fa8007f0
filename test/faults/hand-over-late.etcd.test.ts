import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { UnreachableError } from '../../src/errors.js'
import { type LockedNode, locked } from '../../src/index.js'
import { memberEndpoint } from '../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../src/stores/etcd/etcd-store.js'
import type { Candidate, Lease, Reign } from '../../src/stores/store.js'
import { type Fate, Link, type Message } from '../../src/testing/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'

const call = { timeoutMs: 120_000 }
/** So long that no session ends, however busy the machine is. */
const AMPLE_TTL = 120

let etcd: Etcd
let operator: Etcd3
let path: string

beforeAll(async () => {
  etcd = await startEtcd()
  operator = new Etcd3({ hosts: etcd.endpoint })
})

afterAll(async () => {
  operator?.close()
  await etcd?.stop()
})

beforeEach(() => {
  path = `late/${randomUUID()}`
})

describe('a request of an earlier reign, on the same lease and the same generation of the key,', () => {
  const requests: Readonly<Record<string, (two: Two, reign: Reign) => Promise<unknown>>> = {
    'a release': ({ late }, reign) => late.release(path, reign, null, call),
    'a release with a notice': ({ late }, reign) => late.release(path, reign, 'A leaves', call),
    'a proposal': ({ late }, reign) => late.propose(path, 'too late', reign, call),
    'a hand-over': async ({ prompt, late }, reign) =>
      late.candidates?.install(path, reign, await waiting(prompt, 'C'), call),
    'a guarded transaction': async ({ prompt, gate }, reign) => {
      // Made while the reign lasts, and sent when it is over.
      const guarded = prompt.guard(path, reign).then({
        request_put: { key: Buffer.from(`${path}/guarded`), value: Buffer.from('too late') },
      })
      await gate.opened
      const { succeeded } = await guarded.commit()
      return succeeded
    },
  }

  for (const [title, begin] of Object.entries({ 'by a claim': win, 'by a hand-over': inherit })) {
    test.each(Object.keys(requests))(`that began ${title}: %s changes nothing`, async (name) => {
      const two = makeTwo()
      const { prompt, gate } = two
      const [a, b] = [await prompt.grant(AMPLE_TTL, call), await prompt.grant(AMPLE_TTL, call)]
      const first = await begin(two, a)
      await enter(prompt, 'C', await prompt.grant(AMPLE_TTL, call))
      const sent = requests[name]?.(two, first)
      const second = await handOver(prompt, first, 'B', b)
      const third = await handOver(prompt, second, 'A', a)
      const before = await standing()
      expect(before.kv).toMatchObject({ lease: first.lease })
      expect(Number(before.kv?.create_revision)).toBe(first.created ?? first.token)
      gate.open()
      // Neither a revision nor a success.
      expect((await sent) ?? null).toSatisfy((done) => done === null || done === false)
      expect(await standing()).toEqual(before)

      // The very same does something in the reign that lasts.
      await requests[name]?.(two, third)
      expect(await standing()).not.toEqual(before)
    })
  }
})

describe('a node that leads again, under the same session,', () => {
  test('keeps the value of its present reign when a proposal of its first arrives late', async () => {
    const late = new Delay('propose')
    const [a, b] = await leaderAndFollower(late)
    late.begin()
    a.propose('too late')
    await late.isSent
    await a.transfer('b')
    await Promise.all([once(a, 'select'), b.transfer('a')])
    late.end()
    const changed = once(b, 'change')
    a.propose('in time')
    expect(await changed).toEqual(['in time', 'a'])
    const before = await standing()
    late.arrive()
    await late.isAnswered
    expect(await standing()).toEqual(before)
    expect([a.isLeader, b.holder?.value]).toEqual([true, 'in time'])
  })

  test('goes on leading when the release that followed a hand-over without answer arrives late', async () => {
    const late = new Delay('release')
    const [a, b] = await leaderAndFollower(late)
    const lease = (await standing()).kv?.lease
    late.begin()
    late.loseAnswerTo('install')
    const transferred = a.transfer('b')
    await late.isSent
    // Nobody answers its release: it goes on as a candidate all the same.
    expect(await transferred).toMatchObject({ id: 'b' })
    await Promise.all([once(a, 'select'), b.transfer('a')])
    const before = await standing()
    expect(before.kv?.lease).toBe(lease)
    late.arrive()
    await late.isAnswered
    expect(await standing()).toEqual(before)
    expect([a.isLeader, b.holder?.id]).toEqual([true, 'a'])
  })
})

/** A's way to etcd that takes its time, and one that does not. */
interface Two {
  readonly prompt: EtcdStore
  readonly late: Link
  readonly gate: Gate
}

interface Gate {
  readonly opened: Promise<void>
  open(): void
}

function makeGate(): Gate {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

function makeStore(): EtcdStore {
  return new EtcdStore([memberEndpoint({ secure: false, address: etcd.endpoint }, {})])
}

function makeTwo(): Two {
  const gate = makeGate()
  const prompt = makeStore()
  const fate = ({ isAnswer }: Message) => (isAnswer ? 0 : gate.opened)
  const late = new Link(makeStore(), systemClock, fate)
  onTestFinished(() => {
    gate.open()
    for (const store of [prompt, late]) store.closeIdle()
  })
  return { prompt, late, gate }
}

async function win({ prompt }: Two, lease: Lease): Promise<Reign> {
  const claim = await prompt.claim(path, 'A claimed', lease, call, { instance: 'A', text: 'A' })
  if (!claim.won) throw new Error('A has not won')
  return { token: claim.token, lease: lease.id }
}

/** A leads because somebody before has handed over to it. */
async function inherit(two: Two, lease: Lease): Promise<Reign> {
  const before = await win(two, await two.prompt.grant(AMPLE_TTL, call))
  return await handOver(two.prompt, before, 'A', lease)
}

async function enter(store: EtcdStore, instance: string, lease: Lease): Promise<void> {
  await store.candidates.enter(path, { instance, text: `${instance} installed` }, lease, call)
}

async function waiting(store: EtcdStore, instance: string): Promise<Candidate> {
  const found = (await store.candidates.list(path, call)).waiting.find(
    (candidate) => candidate.instance === instance,
  )
  if (found === undefined) throw new Error(`${instance} does not wait`)
  return found
}

async function handOver(
  store: EtcdStore,
  reign: Reign,
  instance: string,
  lease: Lease,
): Promise<Reign> {
  await enter(store, instance, lease)
  const token = await store.candidates.install(path, reign, await waiting(store, instance), call)
  if (token === null) throw new Error(`${instance} was not installed`)
  return { token, lease: lease.id, created: reign.created ?? reign.token }
}

/** All that stands at the path and beside it, with the revisions at which it was written. */
async function standing() {
  const { kvs } = await operator.getAll().prefix(path).exec()
  return { kv: kvs.find(({ key }) => key.toString() === path), kvs }
}

/** How the requests of A's link fare: those of one kind are held back while that lasts. */
class Delay {
  readonly #kind: Message['call']
  readonly #gate = makeGate()
  readonly #sent = makeGate()
  readonly #answered = makeGate()
  #lasts = false
  #isArriving = false
  #unanswered = 0
  #lost: Message['call'] = null

  constructor(kind: Message['call']) {
    this.#kind = kind
  }

  /** Resolves once one is on its way. */
  get isSent(): Promise<void> {
    return this.#sent.opened
  }

  /** Resolves once all that was held back is carried out, and its answers on their way. */
  get isAnswered(): Promise<void> {
    return this.#answered.opened
  }

  begin(): void {
    this.#lasts = true
  }

  /** What is sent from now on is not held back. */
  end(): void {
    this.#lasts = false
  }

  arrive(): void {
    this.end()
    this.#isArriving = true
    this.#gate.open()
  }

  loseAnswerTo(kind: Message['call']): void {
    this.#lost = kind
  }

  fate({ call: kind, isAnswer }: Message): Fate {
    if (isAnswer && kind === this.#lost) {
      this.#lost = null
      return new UnreachableError('the answer is lost')
    }
    if (kind !== this.#kind) return 0
    this.#unanswered += isAnswer ? -1 : 1
    if (this.#isArriving && this.#unanswered === 0) this.#answered.open()
    if (isAnswer) return 0
    if (!this.#lasts) return 0
    this.#sent.open()
    return this.#gate.opened
  }
}

/** `a`, whose requests fare as `late` says, and `b`. */
async function leaderAndFollower(late: Delay): Promise<[LockedNode, LockedNode]> {
  const link = new Link(makeStore(), systemClock, (message) => late.fate(message))
  const lockers = [locked(link), locked(etcd.endpoint)] as const
  onTestFinished(async () => {
    late.arrive()
    for (const locker of lockers) await locker.close()
  })
  const [a, b] = [
    lockers[0](path, { id: 'a', value: 'a', ttl: AMPLE_TTL }),
    lockers[1](path, { id: 'b', value: 'b', ttl: AMPLE_TTL }),
  ]
  // Keeps A’s session open while A itself uses it no more.
  await lockers[0](`${path} other`, { value: 'other', ttl: AMPLE_TTL }).start()
  await a.start()
  await b.start()
  return [a, b]
}
