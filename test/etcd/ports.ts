import { createServer } from 'node:net'

// Below the ports that the system hands out to outgoing connections. A member that is down could
// otherwise find its port taken by a client, even by one that is trying to reach this very port.
// And above the last port that fetch refuses to connect to, 10080 (https://fetch.spec.whatwg.org/#port-blocking).
const first = 10_100
const perSlot = 500
const filesPerRun = 8
const runs = 5

/** A port of this machine that nothing listens on. It is not reserved. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = first + slot() * perSlot + Math.floor(Math.random() * perSlot)
    if (!given.has(port) && (await canListen(port))) {
      given.add(port)
      return port
    }
  }
  throw new Error(`no free port between ${first} and ${first + runs * filesPerRun * perSlot}`)
}

const given = new Set<number>()

/** Test files that run at the same time draw from different ports; so do most runs beside another. */
function slot(): number {
  const run = process.ppid % runs
  return run * filesPerRun + (Number(process.env.VITEST_POOL_ID ?? 0) % filesPerRun)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)))
  })
}
