import { connect } from 'node:net'
import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type EtcdOptions, startCluster, startEtcd } from './index.js'
import { freePort } from './ports.js'

describe('an etcd of one member', () => {
  test('serves clients', async () => {
    const etcd = await start()
    const client = connectTo(etcd.endpoint)
    await client.put('a').value('1')
    expect(await client.get('a').string()).toBe('1')
  })

  test('is gone after a kill, and has its data on the same ports after a start', async () => {
    const etcd = await start()
    await connectTo(etcd.endpoint).put('a').value('1')
    await etcd.kill()
    await etcd.kill()
    expect(await accepts(etcd.endpoint)).toBe(false)
    await etcd.start()
    expect(await connectTo(etcd.endpoint).get('a').string()).toBe('1')
  })

  test('is silent while it is paused', async () => {
    const etcd = await start()
    await connectTo(etcd.endpoint).put('a').value('1')
    await etcd.pause()
    const answer = connectTo(etcd.endpoint).get('a').string()
    expect(await Promise.race([answer, later(1_500, 'silence')])).toBe('silence')
    await etcd.resume()
    expect(await answer).toBe('1')
  })

  test('can be killed while it is paused', async () => {
    const etcd = await start()
    await etcd.pause()
    await etcd.kill()
    await etcd.start()
    await connectTo(etcd.endpoint).put('a').value('1')
  })

  test('listens on several ports when asked to', async () => {
    const ports = [await freePort(), await freePort()]
    const etcd = await start({ clientPorts: ports })
    expect(etcd.endpoints).toHaveLength(2)
    const [first = '', second = ''] = etcd.endpoints
    await connectTo(first).put('a').value('1')
    expect(await connectTo(second).get('a').string()).toBe('1')
  })

  test('serves the v2 API when asked to, or says that it has none', async () => {
    const version = await (await fetch(`http://${(await start()).endpoint}/version`)).text()
    if (!/"etcdserver":"3\.[45]\./.test(version)) {
      await expect(start({ enableV2: true })).rejects.toThrow(/enable-v2/)
      return
    }
    const { endpoint } = await start({ enableV2: true })
    const body = new URLSearchParams({ value: '1' })
    await fetch(`http://${endpoint}/v2/keys/a`, { method: 'PUT', body })
    const read = await fetch(`http://${endpoint}/v2/keys/a`)
    expect(await read.json()).toMatchObject({ node: { value: '1' } })
  })

  test('takes further arguments', async () => {
    const etcd = await start({ extraArgs: ['--max-txn-ops=1'] })
    const client = connectTo(etcd.endpoint)
    const two = client
      .if('a', 'Create', '==', 0)
      .then(client.put('a').value(1), client.put('b').value(1))
    await expect(two.commit()).rejects.toThrow(/too many operations/)
  })

  test('says what etcd said when it cannot start', async () => {
    await expect(start({ extraArgs: ['--no-such-flag'] })).rejects.toThrow(/no-such-flag/)
  })

  test('is over after a stop', async () => {
    const etcd = await startEtcd()
    await etcd.stop()
    expect(await accepts(etcd.endpoint)).toBe(false)
  })
})

describe('a cluster of three', () => {
  test('goes on without one member, not without two, and again with all', async () => {
    const cluster = await startCluster(3)
    onTestFinished(cluster.stop)
    const [first, second, third] = cluster.members
    if (!first || !second || !third) throw new Error('three members were asked for')

    await connectTo(first.endpoint).put('a').value('1')
    await second.kill()
    await connectTo(first.endpoint).put('a').value('2')
    await third.kill()
    const answer = connectTo(first.endpoint).get('a').string()
    answer.catch(() => {})
    expect(await Promise.race([answer, later(1_500, 'silence')])).toBe('silence')
    await Promise.all([second.start(), third.start()])
    expect(await connectTo(third.endpoint).get('a').string()).toBe('2')
  })
})

async function start(options?: EtcdOptions) {
  const etcd = await startEtcd(options)
  onTestFinished(etcd.stop)
  return etcd
}

function connectTo(endpoint: string): Etcd3 {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  onTestFinished(() => client.close())
  return client
}

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms))
}

function accepts(endpoint: string): Promise<boolean> {
  const [host, port] = endpoint.split(':')
  return new Promise((resolve) => {
    const socket = connect({ host: `${host}`, port: Number(port) }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
