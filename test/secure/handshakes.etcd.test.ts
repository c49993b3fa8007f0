import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, inject, onTestFinished, test as plain, vi } from 'vitest'
import { locked } from '../../src/index.js'
import { freePort } from '../etcd/ports.js'
import { PATIENCE_MS } from '../patience.js'
import { Authority, writeFiles } from './authority.js'

const source = inject('etcdSource')
/** It reads the log of a program of its own. */
const test = plain.skipIf(!('binary' in source))

test('etcd’s log tells of no connection that it had to reject', async () => {
  if (!('binary' in source)) throw new Error('there is no program to start')
  const ca = await Authority.found('ours')
  const [server, client] = [
    await ca.issue({ commonName: 'etcd' }),
    await ca.issue({ commonName: 'client' }),
  ]
  const files = writeFiles({ 'ca.pem': ca.cert, 'cert.pem': server.cert, 'key.pem': server.key })
  onTestFinished(() => files.end())
  const folder = mkdtempSync(join(tmpdir(), 'locked-handshakes-'))
  const [url, peer] = [
    `https://127.0.0.1:${await freePort()}`,
    `http://127.0.0.1:${await freePort()}`,
  ]
  const etcd = spawn(
    source.binary,
    [
      `--data-dir=${join(folder, 'data')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      `--cert-file=${files.pathOf('cert.pem')}`,
      `--key-file=${files.pathOf('key.pem')}`,
      `--trusted-ca-file=${files.pathOf('ca.pem')}`,
      '--client-cert-auth',
      '--logger=zap',
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch },
    },
  )
  let log = ''
  etcd.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  onTestFinished(async () => {
    etcd.kill('SIGKILL')
    if (etcd.exitCode === null && etcd.signalCode === null) await once(etcd, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })
  await expect.poll(() => log).toMatch(/ready to serve client requests|serving client traffic/)
  const credentials = {
    rootCertificate: Buffer.from(ca.cert),
    certChain: Buffer.from(client.cert),
    privateKey: Buffer.from(client.key),
  }
  const late: Error[] = []
  for (let lockers = 0; lockers < 5; lockers += 1) {
    const locker = locked(url, { credentials })
    const node = locker(`/${lockers}`, { value: 1 })
    node.on('unreachable', (error) => late.push(error))
    await node.start()
    await locker.close()
  }
  // What is rejected is told at once: this, which is, has been told after all that was before.
  const port = await connectWithoutCertificate(url)
  const told = await vi.waitUntil(
    () => rejectedIn(log).find((line) => line.includes(`:${port}"`)),
    {
      timeout: PATIENCE_MS,
    },
  )
  // Whoever gives up a connection because it takes too long ends it in the middle of its handshake.
  if (late.length === 0) expect(rejectedIn(log)).toEqual([told])
})

function rejectedIn(log: string): readonly string[] {
  return log.split('\n').filter((line) => line.includes('rejected connection'))
}

/** Resolves with the port that it came from, once it has been rejected. */
async function connectWithoutCertificate(url: string): Promise<number | undefined> {
  const { hostname: host, port } = new URL(url)
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false })
  await once(socket, 'connect')
  const { localPort } = socket
  await new Promise((resolve) => socket.resume().once('error', resolve))
  return localPort
}
