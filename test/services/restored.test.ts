import { randomUUID } from 'node:crypto'
import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createActor } from 'xstate'
import {
  type ElectionActor,
  type LockedNode,
  type Locker,
  locked,
  UnreachableError,
} from '../../src/index.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { leafOf, leavesOf } from '../paths/chart.js'
import { Gate, type Method } from '../paths/gate.js'

const path = '/restored'
const ttl = 10

/** How a node comes to be in each state of the chart. */
const WAYS: Readonly<Record<string, (original: Process) => Promise<void>>> = {
  idle: async () => {},
  'campaigning.claiming': async (original) => {
    original.start()
  },
  'campaigning.clearing': async (original) => {
    original.start()
    await original.answer('grant')
    await original.lose('claim')
    await original.world.clock.advance(1_000)
    await original.answer('claim')
  },
  'campaigning.waiting': async (original) => {
    original.start()
    await original.answer('grant')
    await original.fail('claim')
  },
  'campaigning.yielding': async (original) => {
    const rival = original.world.lives('rival')
    await rival.lead()
    original.start()
    await original.answer('grant')
    await original.answer('claim')
    rival.freeze()
    original.world.store.delete(path)
    await settled()
    await original.go()
  },
  'leader.holding': (original) => original.lead(),
  'leader.proposing': async (original) => {
    await original.lead()
    original.node.propose('another')
  },
  'leader.waiting': async (original) => {
    await original.lead()
    original.node.propose('another')
    await original.fail('propose')
  },
  'follower.following': async (original) => {
    await follow(original)
  },
  'follower.enqueueing': async (original) => {
    await follow(original)
    original.node.propose('another')
  },
  'follower.pausing': async (original) => {
    await follow(original)
    original.node.propose('another')
    await original.fail('enter')
  },
  'follower.reopening': loseSession,
  'follower.waiting': async (original) => {
    await loseSession(original)
    await original.fail('grant')
  },
  'stopped.withdrawing': async (original) => {
    original.start()
    await original.answer('grant')
    await settled()
    void original.node.stop()
  },
  'stopped.draining': async (original) => {
    original.node.lead(() => new Promise(() => {}))
    await original.lead()
    void original.node.stop()
  },
  'stopped.listing': async (original) => {
    await original.lead()
    void original.node.stop()
  },
  'stopped.choosing.checking': async (original) => {
    await original.lead()
    for (const id of ['heir', 'another heir']) {
      const heir = original.world.lives(id)
      heir.start()
      await heir.answer('grant')
      await heir.answer('claim')
    }
    void original.node.stop()
    await original.answer('list')
  },
  'stopped.handingOver': async (original) => {
    await original.lead()
    const heir = original.world.lives('heir')
    heir.start()
    await heir.answer('grant')
    await heir.answer('claim')
    void original.node.stop()
    await original.answer('list')
  },
  'stopped.releasing': async (original) => {
    await original.lead()
    void original.node.stop()
    await original.answer('list')
  },
  'stopped.leaving': async (original) => {
    await follow(original)
    void original.node.stop()
  },
  'stopped.settling': leaveBehind,
  'stopped.clearing': async (original) => {
    await leaveBehind(original)
    await original.world.clock.advance(ttl * 500)
    await original.answer('renew')
    await original.answer('leave')
  },
  'stopped.released': async (original) => {
    await original.lead()
    const stopped = original.node.stop()
    await original.world.pass(1, original)
    await stopped
  },
}

/** Follows a rival, which is returned. */
async function follow(original: Process): Promise<Process> {
  const rival = original.world.lives('rival')
  await rival.lead()
  original.start()
  await original.answer('grant')
  await original.answer('claim')
  return rival
}

/** It is not answered for so long that its session ends. */
async function loseSession(original: Process): Promise<void> {
  const rival = await follow(original)
  await original.world.pass(1, rival)
}

/** Its release is lost, and another node of its process keeps the session alive. */
async function leaveBehind(original: Process): Promise<void> {
  await original.lead()
  void original.locker?.('/beside', { id: 'beside', value: 0, ttl }).start()
  await original.answer('claim')
  void original.node.stop()
  await original.answer('list')
  await original.fail('release')
}

test('there is a way to every state', () => {
  expect(Object.keys(WAYS).sort()).toEqual([...leavesOf(locked('memory:').machine)].sort())
})

/** However busy the machine is. */
const timeout = 120_000

describe.each(Object.entries(WAYS))('an actor restored from %s', { timeout }, (leaf, goes) => {
  const isOut = leaf === 'idle' || leaf.startsWith('stopped')
  const end = leaf === 'idle' ? 'idle' : 'stopped.released'

  test(`${isOut ? `is ${end}` : 'is elected, or follows'} where it can reach the store`, async () => {
    const world = new World()
    const original = world.lives('original')
    await goes(original)
    expect(leafOf(original.actor.getSnapshot().value)).toBe(leaf)
    const restored = world.restores(original)
    // Its process is gone, and so is whatever it had of a session.
    original.freeze()
    await world.pass(0.5)
    if (isOut) expect(restored.leaf).toBe(end)
    else expect(restored.leaf).toMatch(/^(campaigning|follower|leader)/)
    await world.pass(2)
    expect(restored.leaf).toMatch(
      isOut ? end : leaf.startsWith('follower') ? 'follower' : 'leader.holding',
    )
  })

  test(`${isOut ? `is ${end}` : 'campaigns'} where it cannot`, async () => {
    const world = new World()
    const original = world.lives('original')
    await goes(original)
    const restored = world.restores(original)
    original.freeze()
    restored.isCutOff = true
    for (let times = 0; times < 3; times += 1) {
      await world.pass(1)
      expect(restored.leaf).toMatch(isOut ? end : /^campaigning/)
    }
    restored.isCutOff = false
    await world.pass(1)
    expect(restored.leaf).toMatch(isOut ? end : /^(leader.holding|follower)/)
  })

  test('never leads beside the one that it is a copy of, which still runs', async () => {
    const world = new World()
    const original = world.lives('original')
    await goes(original)
    const restored = world.restores(original)
    const { token } = original.node
    await world.pass(2)
    // A reign that was under way goes on: the copy does not take the record for its own.
    if (token !== null && !isOut) expect(original.node.token).toBe(token)
    const stopped = original.node.stop()
    // So long it looks for what was left, at each renewal of a session that another node keeps.
    await world.pass(/settling|stopped.clearing/.test(leaf) ? 6 : 2)
    await stopped
    expect(original.leaf).toBe('stopped.released')
    const isFollower = leaf.startsWith('follower')
    expect(restored.leaf).toMatch(isOut ? end : isFollower ? 'follower' : 'leader.holding')
    // Whatever is still done about the one is not done to the other.
    await world.pass(2)
    expect(restored.leaf).toMatch(isOut ? end : isFollower ? 'follower' : 'leader.holding')
  })
})

/** A store, and the processes that compete for one path on it. Time is virtual for all of them. */
class World {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(this.clock)
  readonly #processes: Process[] = []

  lives(id: string): Process {
    const gate = new Gate(this.store)
    const locker = locked(gate, { clock: this.clock })
    const node = locker(path, { id, value: id, ttl })
    return this.#add(new Process(this, gate, node.actor, node, locker))
  }

  restores({ actor: original }: Process): Process {
    const gate = new Gate(this.store)
    const { machine } = locked(gate, { clock: this.clock })
    const snapshot = JSON.parse(JSON.stringify(original.getPersistedSnapshot()))
    const input = { path, id: '', instance: randomUUID(), value: null, ttl }
    const actor = createActor(machine, { snapshot, input, clock: this.clock })
    const before = this.store.leases().map(({ id }) => id)
    actor.start()
    // Until it has been started an actor is what its snapshot says.
    expect(actor.getSnapshot().matches('leader')).toBe(false)
    actor.subscribe((now) => {
      if (now.matches('leader')) expect(before).not.toContain(now.context.holder?.session)
    })
    return this.#add(new Process(this, gate, actor, null))
  }

  #add(process: Process): Process {
    this.#processes.push(process)
    return process
  }

  /** So many ttls pass, for `only` one of the processes or for all that are not frozen. */
  async pass(ttls: number, only?: Process): Promise<void> {
    for (let tenths = 0; tenths < ttls * ttl * 10; tenths += 1) {
      for (let turns = 0; turns < 5; turns += 1) {
        for (const process of only === undefined ? this.#processes : [only]) await process.go()
        this.#check()
      }
      await this.clock.advance(100)
      this.#check()
    }
  }

  #check(): void {
    const leaders = this.#processes.filter(({ isLeader }) => isLeader)
    expect(leaders.length).toBeLessThanOrEqual(1)
  }
}

class Process {
  /** Whether all its requests fail. */
  isCutOff = false
  #isFrozen = false

  constructor(
    readonly world: World,
    readonly gate: Gate,
    readonly actor: ElectionActor,
    readonly given: LockedNode | null,
    readonly locker: Locker | null = null,
  ) {}

  get node(): LockedNode {
    if (this.given === null) throw new Error('a restored actor has no node')
    return this.given
  }

  get leaf(): string {
    return leafOf(this.actor.getSnapshot().value)
  }

  get isLeader(): boolean {
    return !this.#isFrozen && (this.given?.isLeader ?? this.actor.getSnapshot().matches('leader'))
  }

  start(): void {
    void this.node.start()
  }

  async lead(): Promise<void> {
    this.start()
    await this.answer('grant')
    await this.answer('claim')
    expect(this.leaf).toMatch(/^leader/)
  }

  /** Nothing reaches it any more, and it is asked about nothing. */
  freeze(): void {
    this.#isFrozen = true
  }

  async answer(method: Method): Promise<void> {
    await (await this.#waitingFor(method)).answer()
    await settled()
  }

  async fail(method: Method): Promise<void> {
    ;(await this.#waitingFor(method)).fail(new UnreachableError('no answer'))
    await settled()
  }

  /** It is carried out, and there is no answer. */
  async lose(method: Method): Promise<void> {
    await (await this.#waitingFor(method)).carryOut()
    await this.fail(method)
  }

  async #waitingFor(method: Method) {
    await settled()
    const waiting = this.gate.newest(method)
    if (waiting === undefined) throw new Error(`no ${method} is on its way`)
    return waiting
  }

  async go(): Promise<void> {
    if (this.#isFrozen) return
    for (const waiting of [...this.gate.waiting]) {
      if (this.isCutOff) waiting.fail(new UnreachableError('cut off'))
      else await waiting.answer()
    }
    const { watching } = this.gate
    while (!this.isCutOff && (watching?.seen ?? 0) > 0) watching?.deliver()
    await settled()
  }
}
