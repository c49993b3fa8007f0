import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test as plain } from 'vitest'
import { locked } from '../../src/index.js'
import { startEtcd } from '../etcd/index.js'
import { freePort } from '../etcd/ports.js'
import { startRelay } from '../etcd/relay.js'

const source = inject('etcdSource')
/** They are commands of the server’s own program. */
const test = plain.skipIf(!('binary' in source))

test.each(['grpc-proxy', 'gateway'])(
  'behind etcd %s sessions go on over the same connection',
  async (kind) => {
    const etcd = await startEtcd()
    onTestFinished(() => etcd.stop())
    const relay = await startRelay(await startProxy(kind, etcd.endpoint))
    onTestFinished(() => relay.stop())
    const lockers = [locked(relay.endpoint), locked(relay.endpoint)] as const
    onTestFinished(async () => {
      await Promise.all(lockers.map((locker) => locker.close()))
    })
    const [leader, follower] = lockers.map((locker, index) =>
      locker('/behind/proxy', { id: `${index}`, value: index, ttl: 4 }),
    )
    if (leader === undefined || follower === undefined) throw new Error('two of them')
    const told: unknown[] = []
    for (const node of [leader, follower]) {
      for (const event of ['deselect', 'error'] as const) {
        node.on(event, (...args: unknown[]) => told.push(args))
      }
    }
    await leader.start()
    await follower.start()
    const { opened } = relay
    // Over several validities.
    for (let renewals = 0; renewals < 8; renewals += 1) await once(leader, 'refresh')
    expect(relay.opened).toBe(opened)
    expect(leader.isLeader).toBe(true)
    const changed = once(follower, 'change')
    await leader.propose('proposed')
    expect(await changed).toEqual(['proposed', '0'])
    expect(told).toEqual([])
    const selected = once(follower, 'select')
    await leader.stop()
    await selected
  },
)

/** Resolves with where it serves. */
async function startProxy(kind: string, endpoint: string): Promise<string> {
  if (!('binary' in source)) throw new Error('there is no program to start')
  const folder = mkdtempSync(join(tmpdir(), 'locked-proxy-'))
  const address = `127.0.0.1:${await freePort()}`
  const args = [kind, 'start', `--endpoints=${endpoint}`, `--listen-addr=${address}`]
  if (kind === 'grpc-proxy') {
    args.push(`--data-dir=${join(folder, 'data')}`, `--advertise-client-url=${address}`)
  }
  const env = { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch }
  const proxy = spawn(source.binary, args, { cwd: folder, stdio: 'ignore', env })
  onTestFinished(async () => {
    proxy.kill('SIGKILL')
    if (proxy.exitCode === null && proxy.signalCode === null) await once(proxy, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })
  await expect.poll(() => takesConnections(address)).toBe(true)
  return address
}

function takesConnections(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect(Number(port), host)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
