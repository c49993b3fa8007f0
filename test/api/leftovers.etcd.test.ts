import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import locked from '../../src/index.js'
import { servesV2 } from '../etcd/abilities.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { V2Operator } from '../etcd/v2-operator.js'
import { assertBuilt } from '../package/built.js'

const script = fileURLToPath(new URL('leftovers.mjs', import.meta.url))
const times = 100

let etcd: Etcd
let client: Etcd3
let path: string

beforeAll(async () => {
  assertBuilt()
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

beforeEach(() => {
  path = randomUUID()
})

test(`${times} starts and stops of one node leave nothing on etcd and in the process`, async () => {
  const before = await onServer()
  const granted = await metric('etcd_debugging_lease_granted_total')
  const told = await startAndStop(etcd.endpoint)
  expect(told.selects).toBe(times)
  await expectOnServer(before)
  // The figures would show it: so many leases came and went meanwhile.
  expect(await metric('etcd_debugging_lease_granted_total')).toBe(granted + times)
  expect(await client.get(path)).toBe(null)
})

test(`${times} starts and stops of a follower leave nothing either`, async () => {
  const leader = locked(etcd.endpoint)({ path, id: 'leader', value: 10, ttl: 600 })
  onTestFinished(() => leader.stop())
  await leader.start()
  // It watches who waits as well, once it has led for a while.
  await expect.poll(onServer).toMatchObject({ leases: 1, watches: 2, keys: 1 })
  const before = await onServer()
  const told = await startAndStop(etcd.endpoint)
  expect(told.selects).toBe(0)
  await expectOnServer(before)
  expect(leader.isLeader).toBe(true)
})

test(`${times} starts and stops on the memory store leave nothing in the process`, async () => {
  const told = await startAndStop('memory:')
  expect(told.selects).toBe(times)
})

test.runIf(servesV2())(
  `${times} starts and stops on an etcdjs object leave nothing on etcd and in the process`,
  async () => {
    await using v2 = await startEtcd({ enableV2: true })
    const told = await startAndStop(`etcdjs:${v2.endpoint}`)
    expect(told.selects).toBe(times)
    expect((await new V2Operator(v2.endpoint).get(path)).node).toBeUndefined()
  },
)

/** In another process, which is there until the test ends. */
async function startAndStop(hosts: string) {
  const child = spawn(process.execPath, [script, hosts, path, `${times}`])
  const closed = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([once(lines, 'line'), closed])
  // A warning about too many listeners would be here.
  expect(complaints).toBe('')
  const told: {
    readonly selects: number
    readonly before: string
    readonly meanwhile: string
    readonly after: string
    readonly listeners: string
    readonly listenersAfter: string
  } = JSON.parse(line)
  expect(told.meanwhile).toMatch(hosts === 'memory:' ? /Timeout/ : /Timeout.*tcp/)
  expect([told.before, told.after]).toEqual(['', ''])
  expect(told.listenersAfter).toBe(told.listeners)
  return told
}

/** The server learns a moment later that a client has gone. */
async function expectOnServer(expected: Awaited<ReturnType<typeof onServer>>): Promise<void> {
  await expect.poll(onServer, { interval: 200 }).toEqual(expected)
}

async function onServer() {
  const { leases } = await client.leaseClient.leaseLeases()
  return {
    leases: leases.length,
    watches: await metric('etcd_debugging_mvcc_watcher_total'),
    watchStreams: await metric('etcd_debugging_mvcc_watch_stream_total'),
    keys: await metric('etcd_debugging_mvcc_keys_total'),
  }
}

async function metric(name: string): Promise<number> {
  const response = await fetch(`http://${etcd.endpoint}/metrics`)
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `))
  if (line === undefined) throw new Error(`etcd has no metric ${name}`)
  return Number(line.split(' ')[1])
}
