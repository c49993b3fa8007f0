import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'

/** Passes what any of its clients sends on to all others, as Stately's own relay does. Returns its address. */
export async function startRelay(port = 0): Promise<{ url: string; close(): Promise<void> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port })
  await once(server, 'listening')
  server.on('connection', (client) => {
    client.on('message', (data) => {
      for (const other of server.clients) if (other !== client) other.send(data.toString())
    })
  })
  const close = async () => {
    for (const client of server.clients) client.terminate()
    await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the relay has no port')
  return { url: `ws://127.0.0.1:${address.port}`, close }
}
