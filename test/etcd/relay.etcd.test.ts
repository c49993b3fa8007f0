import { Etcd3 } from 'etcd3'
import { expect, onTestFinished, test } from 'vitest'
import { startEtcd } from './index.js'
import { startRelay } from './relay.js'

test('an etcd client works through the relay, waits while it is frozen, and goes on', async () => {
  const { relay, client } = await startClient()
  await client.put('a').value('1')
  relay.freeze()
  const answer = client.get('a').string()
  expect(await Promise.race([answer, later(1_000, 'silence')])).toBe('silence')
  await relay.heal()
  expect(await answer).toBe('1')
})

test('a write whose answer is lost has happened', async () => {
  const { etcd, relay, client } = await startClient()
  await client.put('a').value('1')
  relay.dropAnswers()
  const lost = client.put('a').value('2').exec()
  const settled = lost.then(
    () => 'answered',
    () => 'answered',
  )
  const direct = connectTo(etcd.endpoint)
  await expect.poll(() => direct.get('a').string()).toBe('2')
  expect(await Promise.race([settled, later(500, 'silence')])).toBe('silence')
  // By default etcd3 repeats a request whose connection broke, so it may still succeed.
  await relay.heal()
  expect(await settled).toBe('answered')
})

async function startClient() {
  const etcd = await startEtcd()
  onTestFinished(etcd.stop)
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(relay.stop.bind(relay))
  return { etcd, relay, client: connectTo(relay.endpoint) }
}

function connectTo(endpoint: string): Etcd3 {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  onTestFinished(() => client.close())
  return client
}

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms))
}
