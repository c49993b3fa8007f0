import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createActor, setup, waitFor } from 'xstate'
import { electionMachine } from '../../machines/election.js'
import locked, { type ElectionActor, type Locker } from '../../src/index.js'

const path = '/embedded'

let locker: Locker
let others: Locker

beforeEach(() => {
  const hosts = `memory:${randomUUID()}`
  locker = locked(hosts)
  others = locked(hosts)
})

afterEach(async () => {
  await Promise.all([locker.close(), others.close()])
})

test('the machine of a locker runs as an actor of its own, and takes part in the election', async () => {
  const actor = run()
  const changes: unknown[] = []
  actor.on('change', ({ value, id }) => changes.push([value, id]))
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
  const other = others(path, { id: 'other', value: 20 })
  await other.start()
  expect(other.state).toBe('follower')
  expect(other.holder).toMatchObject({ id: 'embedded', value: 10 })

  actor.send({ type: 'propose', value: 11 })
  await once(other, 'change')
  expect(other.holder?.value).toBe(11)
  const token = other.holder?.token

  const selected = once(other, 'select')
  actor.send({ type: 'stop' })
  await selected
  await waitFor(actor, (snapshot) => snapshot.matches({ stopped: 'released' }))
  expect(other.token).toBeGreaterThan(token ?? 0n)
  expect(changes).toEqual([
    [10, 'embedded'],
    [11, 'embedded'],
  ])

  actor.send({ type: 'start' })
  await inState(actor, 'follower')
  await other.stop()
  await inState(actor, 'leader')
})

test('it can be started again while it is still stopping', async () => {
  const actor = run()
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
  actor.send({ type: 'stop' })
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
})

test('an actor that is stopped without being told to leave is released all the same', async () => {
  const actor = run()
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
  const other = others(path, { value: 20, ttl: 600 })
  await other.start()
  const selected = once(other, 'select')
  actor.stop()
  await selected
})

test('so is one that a parent machine invoked, when the parent leaves the state', async () => {
  const parent = createActor(
    parentMachine.provide({ actors: { election: locker.machine } }),
  ).start()
  const child = parent.getSnapshot().children.election
  if (child === undefined) throw new Error('the election was not invoked')
  child.send({ type: 'start' })
  await inState(child, 'leader')
  parent.send({ type: 'leave' })
  const other = others(path, { value: 20, ttl: 600 })
  await other.start()
  await expect.poll(() => other.isLeader).toBe(true)
})

test('one that is restored while the original takes part does not, and says why', async () => {
  const actor = run()
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
  const warned = once(process, 'warning')
  const copy = createActor(locker.machine, {
    snapshot: actor.getPersistedSnapshot(),
    input: electionInput(),
  })
  const failed = new Promise((resolve) => copy.subscribe({ error: resolve }))
  copy.start()
  expect(await failed).toMatchObject({
    name: 'RangeError',
    message: expect.stringMatching(/^instance: must be one that no other actor/),
  })
  await warned
  expect(actor.getSnapshot().matches('leader')).toBe(true)
})

test('closing its locker stops it', async () => {
  const actor = run()
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
  await locker.close()
  expect(actor.getSnapshot().value).toEqual({ stopped: 'released' })
  expect(await others(path, { value: 1 }).id()).toBe(null)
})

test('closing its locker waits for the release of one that was stopped and started before', async () => {
  const actor = run()
  for (let times = 0; times < 2; times += 1) {
    actor.send({ type: 'start' })
    await inState(actor, 'leader')
    if (times === 0) actor.send({ type: 'stop' })
  }
  await locker.close()
  expect(actor.getSnapshot().value).toEqual({ stopped: 'released' })
  expect(await others(path, { value: 1 }).id()).toBe(null)
})

test('closing its locker waits for the release of one that is gone', async () => {
  const actor = run()
  actor.send({ type: 'start' })
  await inState(actor, 'leader')
  actor.stop()
  await locker.close()
  expect(await others(path, { value: 1 }).id()).toBe(null)
})

const parentMachine = setup({
  types: { events: {} as { type: 'leave' }, children: {} as { election: 'election' } },
  actors: { election: electionMachine },
}).createMachine({
  initial: 'taking part',
  states: {
    'taking part': {
      invoke: { id: 'election', src: 'election', input: electionInput },
      on: { leave: 'away' },
    },
    away: {},
  },
})

function run(): ElectionActor {
  return createActor(locker.machine, { input: electionInput() }).start()
}

function electionInput() {
  return { path, id: 'embedded', instance: randomUUID(), value: 10, ttl: 600 }
}

async function inState(actor: ElectionActor, state: 'leader' | 'follower'): Promise<void> {
  await waitFor(actor, (snapshot) => snapshot.matches(state))
}
