import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEtcd } from '../../../etcd/index.js'
import { freePort } from '../../../etcd/ports.js'
import { run } from '../../../hosts/run.js'
import { assertBuilt, root } from '../../../package/built.js'
import { Authority, writeFiles } from '../../../secure/authority.js'

const APP = fileURLToPath(new URL('ending.mjs', import.meta.url))

beforeAll(assertBuilt)

describe('a process ends by itself, though one of the hosts swallows packets,', () => {
  test.each([
    ['with no proxy', {}, {}],
    ['with a proxy from which no_proxy excepts them', { no_proxy: '127.0.0.1,localhost' }, {}],
    ['with a proxy that gRPC is told not to use', {}, { 'grpc.enable_http_proxy': 0 }],
  ])('%s', async (way, env, grpcOptions) => {
    const etcd = await startEtcd()
    onTestFinished(() => etcd.stop())
    const hosts = [await startHole(), etcd.endpoint].join()
    // Nobody listens there.
    const proxy = way === 'with no proxy' ? {} : { http_proxy: 'http://127.0.0.1:9' }
    await expectToEnd([hosts, JSON.stringify(grpcOptions)], { ...proxy, ...env })
  })
})

test('a process ends by itself, though one of the hosts never finishes a TLS handshake', async () => {
  const ca = await Authority.found('ours')
  const server = await ca.issue({ commonName: 'etcd' })
  const files = writeFiles({ 'ca.pem': ca.cert, 'cert.pem': server.cert, 'key.pem': server.key })
  onTestFinished(() => files.end())
  const [cert, key] = [files.pathOf('cert.pem'), files.pathOf('key.pem')]
  const etcd = await startEtcd({
    own: true,
    scheme: 'https',
    extraArgs: [`--cert-file=${cert}`, `--key-file=${key}`],
    files: [cert, key],
  })
  onTestFinished(() => etcd.stop())
  const silent = createServer()
  onTestFinished(() => void silent.close())
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  const { port } = silent.address() as AddressInfo
  const hosts = `127.0.0.1:${port},${etcd.endpoint}`
  await expectToEnd([hosts, '{}', files.pathOf('ca.pem')])
})

async function expectToEnd(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const none = Object.fromEntries(
    ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy'].map((name) => [
      name,
      '',
    ]),
  )
  const ended = await run(process.execPath, [APP, ...args], { cwd: root, env: { ...none, ...env } })
  expect(ended).toEqual({ status: 0, text: 'leader\n' })
}

/** Something that takes no connections and does not refuse them: its queue is full. Resolves with where. */
async function startHole(): Promise<string> {
  const port = await freePort()
  const listening = `require('net').createServer().listen(${port}, '127.0.0.1', 1, () => console.log())`
  const program = spawn(process.execPath, ['-e', listening], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void program.kill('SIGKILL'))
  await once(program.stdout, 'data')
  program.kill('SIGSTOP')
  const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy()
  })
  await once(waiting[0] ?? program, 'connect')
  return `127.0.0.1:${port}`
}
