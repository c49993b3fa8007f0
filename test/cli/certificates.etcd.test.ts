import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { type Relay, startRelay } from '../etcd/relay.js'
import { PATIENCE_MS, patiently } from '../patience.js'
import { Authority, writeFiles } from '../secure/authority.js'
import { RunningCommand } from './command.js'
import { holderShownBy } from './dashboard-holder.js'

/** Shorter than any that people use, so that they expire while it is looked at. */
const LASTS_MS = 20_000
const PATH = '/certificates/primary'
const TTL = 10

vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: PATIENCE_MS })

/** What the files of etcd and of the commands hold. */
type Texts = Readonly<
  Record<'ca.pem' | 'server.pem' | 'server.key' | 'client.pem' | 'client.key', string>
>

let clients: Authority
let files: ReturnType<typeof writeFiles<string>>
let etcd: Etcd
let relay: Relay
let expiresAt: number

beforeAll(async () => {
  clients = await Authority.found('of clients')
  const texts = await issued()
  files = writeFiles<string>({ ...texts, 'clients.pem': clients.cert })
  etcd = await startEtcd({
    own: true,
    // A container would have copies of the files.
    replaceable: true,
    scheme: 'https',
    extraArgs: [
      `--cert-file=${files.pathOf('server.pem')}`,
      `--key-file=${files.pathOf('server.key')}`,
      `--trusted-ca-file=${files.pathOf('clients.pem')}`,
      '--client-cert-auth',
    ],
  })
  relay = await startRelay(etcd.endpoint)
})

afterAll(async () => {
  await relay?.stop()
  await etcd?.stop()
  files?.end()
})

test('commands read their files again when certificates have expired, and go on, also when they can be read only later, and members are certified by another authority', async () => {
  const elect = run('elect', PATH, '--ttl', `${TTL}`, '--', 'sh', '-c', 'echo works; sleep 600')
  await elect.untilMatch(/works/)
  const observe = run('observe', '--json', PATH)
  const holders = () => {
    const lines = observe.stdout.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line).holder?.token ?? null)
  }
  await patiently(() => expect(holders()).toHaveLength(1))
  const dashboard = run('dashboard', '--prefix', '/certificates/', '--port', '0')
  const shown = await holderShownBy(dashboard, PATH)
  await patiently(() => expect(shown()?.token).toBe(holders()[0]))

  while (Date.now() <= expiresAt + 1_000) await sleep(100)
  const texts = await issued()
  rmSync(files.pathOf('client.key'))
  await relay.cut()
  await relay.heal()
  await elect.untilMatch(/cannot read \S*client\.key/)
  for (const [name, text] of Object.entries(texts)) replace(name, text)
  await sleep(1.5 * TTL * 1_000)
  const [token] = holders()
  expect(holders(), elect.output).toEqual([token])
  expect(shown()?.token).toBe(token)
  expect(elect.stdout).toBe('works\n')

  elect.kill('SIGTERM')
  await elect.exited
  await patiently(() => expect(holders()).toEqual([token, null]))
  await patiently(() => expect(shown()).toBeNull())
})

/** New ones, etcd's own by an authority that was not known before. */
async function issued(): Promise<Texts> {
  expiresAt = Date.now() + LASTS_MS
  // They say when they begin in whole seconds.
  const lasting = { from: new Date(Date.now() - 1_000), until: new Date(expiresAt) }
  const servers = await Authority.found('of servers')
  const server = await servers.issue({ commonName: 'etcd', ...lasting })
  const client = await clients.issue({ commonName: 'client', ...lasting })
  return {
    'ca.pem': servers.cert,
    'server.pem': server.cert,
    'server.key': server.key,
    'client.pem': client.cert,
    'client.key': client.key,
  }
}

/** At once, as whoever renews certificates does. */
function replace(name: string, text: string): void {
  const path = files.pathOf(name)
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

function run(command: string, ...args: readonly string[]): RunningCommand {
  const env = {
    NODE_DEBUG: 'locked',
    ETCDCTL_ENDPOINTS: relay.endpoint,
    ETCDCTL_CACERT: files.pathOf('ca.pem'),
    ETCDCTL_CERT: files.pathOf('client.pem'),
    ETCDCTL_KEY: files.pathOf('client.key'),
  }
  const running = RunningCommand.lockedIn(env, command, ...args)
  onTestFinished(() => running[Symbol.dispose]())
  return running
}
