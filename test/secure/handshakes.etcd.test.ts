import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { expect, inject, onTestFinished, test as plain, vi } from 'vitest'
import { locked } from '../../src/index.js'
import { startCluster } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { PATIENCE_MS } from '../patience.js'
import { Authority, writeFiles } from './authority.js'

const source = inject('etcdSource')
/** It reads the logs of programs of its own. */
const test = plain.skipIf(!('binary' in source))

test.each([1, 3] as const)(
  'the logs of %i members tell of no connection that they had to reject',
  async (size) => {
    const ca = await Authority.found('ours')
    const [server, client] = [
      await ca.issue({ commonName: 'etcd' }),
      await ca.issue({ commonName: 'client' }),
    ]
    const files = writeFiles({
      'ca.pem': ca.cert,
      'cert.pem': server.cert,
      'key.pem': server.key,
      log: '',
    })
    onTestFinished(() => files.end())
    const { endpoints, members, stop } = await startCluster(size, {
      own: true,
      scheme: 'https',
      extraArgs: [
        `--cert-file=${files.pathOf('cert.pem')}`,
        `--key-file=${files.pathOf('key.pem')}`,
        `--trusted-ca-file=${files.pathOf('ca.pem')}`,
        '--client-cert-auth',
        '--logger=zap',
        // All members write to its end.
        `--log-outputs=${files.pathOf('log')}`,
      ],
    })
    onTestFinished(stop)
    const rejected = () =>
      readFileSync(files.pathOf('log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('rejected connection'))
    const credentials = {
      rootCertificate: Buffer.from(ca.cert),
      certChain: Buffer.from(client.cert),
      privateKey: Buffer.from(client.key),
    }
    const relays = await Promise.all(endpoints.map((endpoint) => startRelay(endpoint)))
    onTestFinished(async () => {
      await Promise.all(relays.map((relay) => relay.stop()))
    })
    const hosts = relays.map(({ endpoint }) => endpoint)
    const late: Error[] = []
    for (let lockers = 0; lockers < 6; lockers += 1) {
      // The first answers first, and the others are on their way, in their handshakes.
      relays[1]?.delay(20 * lockers)
      relays[2]?.delay(300)
      const locker = locked(hosts, { credentials })
      const node = locker(`/${lockers}`, { value: 1 })
      node.on('unreachable', (error) => late.push(error))
      await node.start()
      await locker.close()
    }
    await expect.poll(() => relays.every(({ open }) => open === 0)).toBe(true)
    // What is rejected is told at once: this, which is, has been told after all that was before.
    const told = await Promise.all(
      members.map(async ({ endpoint }) => {
        const port = await connectWithoutCertificate(endpoint)
        const isTold = () => rejected().find((line) => line.includes(`:${port}"`))
        return await vi.waitUntil(isTold, { timeout: PATIENCE_MS })
      }),
    )
    // Whoever gives up a connection because it takes too long ends it in the middle of its handshake.
    if (late.length === 0) expect(rejected().sort()).toEqual(told.sort())
  },
)

/** Resolves with the port that it came from, once it has been rejected. */
async function connectWithoutCertificate(endpoint: string): Promise<number | undefined> {
  const [host, port] = endpoint.split(':')
  const socket = connect({ host: host ?? '', port: Number(port), rejectUnauthorized: false })
  await once(socket, 'connect')
  const { localPort } = socket
  await new Promise((resolve) => socket.resume().once('error', resolve))
  return localPort
}
