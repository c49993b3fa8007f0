import { expect, onTestFinished, test } from 'vitest'
import { RunningCommand } from '../cli/command.js'
import { freePort } from '../etcd/ports.js'
import { assertBuilt } from '../package/built.js'
import { patiently } from '../patience.js'
import { etcdWithRole, handOver } from './kubernetes/hand-over.js'
import { environmentOf, folder } from './kubernetes/manifest.js'
import { isLive, isReady, leads, type Pod } from './kubernetes/pod.js'

test('a leader that gets SIGTERM hands over to a pod that is ready, with the role of the README', async () => {
  const etcd = await etcdWithRole()
  await handOver(etcd, () => startPod(etcd.endpoint))
})

test('while etcd is away pods are not ready, nobody leads, and none is killed for it', async () => {
  const etcd = await etcdWithRole()
  const ELECTION_TTL = '3'
  const pods = [
    await startPod(etcd.endpoint, { ELECTION_TTL }),
    await startPod(etcd.endpoint, { ELECTION_TTL }),
  ]
  const all = (look: (pod: Pod) => Promise<boolean>) => Promise.all(pods.map(look))
  await patiently(async () => expect(await all(isReady)).toEqual([true, true]))
  await etcd.pause()
  await patiently(async () => expect(await all(isReady)).toEqual([false, false]))
  expect(await all(leads)).toEqual([false, false])
  expect(await all(isLive)).toEqual([true, true])
  await etcd.resume()
  await patiently(async () => expect(await all(isReady)).toEqual([true, true]))
  expect(await all(isLive)).toEqual([true, true])
})

test('a pod whose password etcd refuses is killed, and gets what the Secret has by then', async () => {
  const etcd = await etcdWithRole()
  const pod = await startPod(etcd.endpoint, { ETCD_PASSWORD: 'of before' })
  await patiently(async () => expect(await isLive(pod)).toBe(false))
  expect(await isReady(pod)).toBe(false)
})

/** A process of this machine in the place of a pod. */
async function startPod(endpoint: string, env: NodeJS.ProcessEnv = {}): Promise<Pod> {
  assertBuilt()
  const port = await freePort()
  const { ETCD_CACERT: _, ...given } = environmentOf('127.0.0.1')
  const command = new RunningCommand(process.execPath, [`${folder}/main.mjs`], {
    ...given,
    // There is no TLS in this test.
    ETCD_ENDPOINTS: endpoint,
    PORT: String(port),
    ...env,
  })
  onTestFinished(() => command[Symbol.dispose]())
  await command.untilMatch(/listens at port/)
  return {
    port,
    output: () => command.output,
    terminate: () => command.kill('SIGTERM'),
    exited: command.exited,
  }
}
