import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type Habits, type Relay, startRelay } from './relay.js'

test('passes on what both sides send', async () => {
  const { relay } = await startRelayed()
  const client = await open(relay)
  expect(await client.ask('hello')).toBe('hello')
})

test('passes on an end, and an answer that comes after it', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume().on('end', () => socket.end('bye'))
  })
  const relay = await startedRelay(await listen(server))
  const client = await open(relay)
  client.socket.end()
  expect(await client.received('bye')).toBe('bye')
})

test('frozen, nothing gets through and no connection ends; healed, what was sent arrives', async () => {
  const { relay, asked } = await startRelayed()
  const client = await open(relay)
  await client.ask('a')
  relay.freeze()
  client.socket.write('b')
  const late = await open(relay)
  late.socket.write('c')
  await sleep(200)
  expect(asked()).toBe('a')
  expect(client.text()).toBe('a')
  expect(client.socket.destroyed || late.socket.destroyed).toBe(false)
  await relay.heal()
  expect(await client.received('ab')).toBe('ab')
  expect(await late.received('c')).toBe('c')
})

test('frozen after an answer, the next one gets through and nothing more', async () => {
  const { relay, asked } = await startRelayed()
  const client = await open(relay)
  relay.freezeAfterAnswer()
  expect(await client.ask('a')).toBe('a')
  client.socket.write('b')
  await sleep(200)
  expect(asked()).toBe('a')
  await relay.heal()
  expect(await client.received('ab')).toBe('ab')
})

test('frozen, the server does not learn that a client is gone', async () => {
  const { relay, connections } = await startRelayed()
  const client = await open(relay)
  await client.ask('a')
  relay.freeze()
  client.socket.resetAndDestroy()
  await sleep(200)
  expect(connections()).toBe(1)
  await relay.heal()
  await expect.poll(connections).toBe(0)
})

test('cut, connections are reset and new ones refused; healed, the same address works', async () => {
  const { relay, connections } = await startRelayed()
  const client = await open(relay)
  await client.ask('a')
  await relay.cut()
  await expect.poll(() => client.error()).toBe('ECONNRESET')
  await expect.poll(connections).toBe(0)
  await expect(open(relay)).rejects.toThrow('ECONNREFUSED')
  await relay.heal()
  const again = await open(relay)
  expect(await again.ask('b')).toBe('b')
})

test('delays each direction, and keeps the order when the delay ends', async () => {
  const { relay } = await startRelayed()
  const client = await open(relay)
  relay.delay(100)
  const before = performance.now()
  expect(await client.ask('a')).toBe('a')
  expect(performance.now() - before).toBeGreaterThan(190)
  client.socket.write('b')
  await sleep(20)
  relay.delay(0)
  client.socket.write('c')
  expect(await client.received('abc')).toBe('abc')
})

test('loses answers while requests still arrive; healed, it resets what lost bytes', async () => {
  const { relay, asked } = await startRelayed()
  const client = await open(relay)
  await client.ask('a')
  relay.dropAnswers()
  client.socket.write('b')
  const other = await open(relay)
  other.socket.write('c')
  await expect.poll(asked).toBe('abc')
  await sleep(100)
  expect(client.text() + other.text()).toBe('a')
  expect(client.socket.destroyed || other.socket.destroyed).toBe(false)
  await relay.heal()
  await expect.poll(() => [client.error(), other.error()]).toEqual(['ECONNRESET', 'ECONNRESET'])
})

test('a server that refuses resets the client', async () => {
  const { relay, stop } = await startRelayed()
  await stop()
  const client = await open(relay)
  await expect.poll(() => client.error()).toBe('ECONNRESET')
})

test('in front of several, each connection goes to the next that takes it', async () => {
  const [one, none, other] = await Promise.all([echo(), echo(), echo()])
  await none.stop()
  const relay = await startedRelay([one.endpoint, none.endpoint, other.endpoint])
  for (const text of ['a', 'b', 'c', 'd']) await (await open(relay)).ask(text)
  expect(relay.taken).toEqual([2, 0, 2])
  expect([one.asked(), other.asked()]).toEqual(['ad', 'bc'])
})

test.each(['forgetsIdleMs', 'resetsIdleMs', 'resetsOldMs'] as const)(
  'one that %s, leaves alone what is in use, or is young',
  async (habit) => {
    const { relay, asked } = await startRelayed({ [habit]: 1_000 })
    const client = await open(relay)
    for (const text of ['a', 'b', 'c']) {
      await client.ask(text)
      await sleep(100)
    }
    await expect.poll(() => relay.ended).toBe(1)
    client.socket.write('d')
    if (habit === 'forgetsIdleMs') await sleep(200)
    else await expect.poll(() => client.error()).toBe('ECONNRESET')
    expect(client.socket.destroyed).toBe(habit !== 'forgetsIdleMs')
    expect(asked()).toBe('abc')
    expect(await (await open(relay)).ask('e')).toBe('e')
  },
)

test('forgotten, the server does not learn that a client is gone, whatever is healed', async () => {
  const { relay, connections } = await startRelayed({ forgetsIdleMs: 300 })
  const client = await open(relay)
  await expect.poll(() => relay.ended).toBe(1)
  client.socket.resetAndDestroy()
  await relay.heal()
  await sleep(200)
  expect(connections()).toBe(1)
})

/** A relay in front of a server that echoes. */
async function startRelayed(habits: Habits = {}) {
  const { endpoint, ...server } = await echo()
  return { ...server, relay: await startedRelay(endpoint, habits) }
}

/** A server that echoes. */
async function echo() {
  let asked = ''
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => {})
    socket.on('close', () => connections--)
    socket.on('data', (bytes) => {
      asked += bytes
      socket.write(bytes)
    })
  })
  const endpoint = await listen(server)
  const stop = () => new Promise((resolve) => server.close(resolve))
  return { endpoint, stop, asked: () => asked, connections: () => connections }
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${address.port}`
}

async function startedRelay(target: string | readonly string[], habits?: Habits): Promise<Relay> {
  const relay = await startRelay(target, habits)
  onTestFinished(() => relay.stop())
  return relay
}

async function open(relay: Relay) {
  const [host, port] = relay.endpoint.split(':')
  const socket: Socket = connect({ host: `${host}`, port: Number(port), allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let text = ''
  let error: string | undefined
  socket.on('data', (bytes) => {
    text += bytes
  })
  socket.on('error', (reason: NodeJS.ErrnoException) => {
    error = reason.code
  })
  const received = async (wanted: string) => {
    await expect.poll(() => text).toBe(wanted)
    return text
  }
  return {
    socket,
    text: () => text,
    error: () => error,
    received,
    async ask(question: string) {
      const before = text
      socket.write(question)
      return (await received(before + question)).slice(before.length)
    },
  }
}
