// @ts-check
// What runs in a pod: it works while it leads, and tells Kubernetes by HTTP how it is.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import locked from 'locked'

const {
  ETCD_ENDPOINTS = '127.0.0.1:2379',
  ETCD_USERNAME,
  ETCD_PASSWORD,
  ETCD_CACERT,
  ELECTION_PATH = '/kubernetes/reports',
  ELECTION_TTL = '10',
  POD_IP = '127.0.0.1',
  PORT = '8080',
} = process.env

/** Work that goes on for longer, in milliseconds, after leadership was lost cannot be stopped but with its process. */
const WORK_ENDS_WITHIN_MS = 5_000

let isLeaving = false
/** The node has stopped for good: etcd refuses its login, say. */
let hasFailed = false
/** When the work that still runs was told to end, if it was. */
/** @type {number | null} */
let toldToEndAt = null

const node = locked(ETCD_ENDPOINTS, {
  ...(ETCD_USERNAME &&
    ETCD_PASSWORD && { auth: { username: ETCD_USERNAME, password: ETCD_PASSWORD } }),
  // Read at each new connection: the files of a Secret are replaced when it is renewed.
  ...(ETCD_CACERT && { credentials: () => ({ rootCertificate: readFileSync(ETCD_CACERT) }) }),
})(ELECTION_PATH, {
  // In a pod that is its name.
  id: hostname(),
  // Where the leader is found by the others.
  value: `http://${POD_IP}:${PORT}`,
  ttl: Number(ELECTION_TTL),
})

node.lead(async ({ token, signal }) => {
  console.log(`leads with token ${token}`)
  signal.addEventListener('abort', () => {
    toldToEndAt = performance.now()
  })
  while (!signal.aborted) await doOneStep(signal)
  toldToEndAt = null
})
node.on('deselect', (reason) => console.log(`no longer leads: ${reason}`))
node.on('unreachable', (error) => console.error(`unreachable: ${error.message}`))
node.on('error', (error) => {
  console.error(error)
  hasFailed = true
})

const ANSWERS = {
  /** Whether Kubernetes is to leave this process alone. Followers are well, and so is who cannot reach etcd just now. */
  '/live': () => !hasFailed && !isWorkStuck(),
  /** Whether it has joined, can reach etcd, and is not about to leave: then a rolling update goes on. */
  '/ready': () => !isLeaving && node.validityMs > 0,
  /** For whoever looks for the leader by asking all of them. */
  '/leader': () => node.isLeader,
}

const server = createServer((request, response) => {
  const answer = Object.entries(ANSWERS).find(([path]) => path === request.url)?.[1]
  if (answer === undefined) {
    // What only the leader may do is asked of the leader.
    const leader = node.holder?.value
    if (node.isLeader) response.end(`${hostname()} leads\n`)
    else if (typeof leader === 'string') {
      response.writeHead(307, { location: leader + request.url }).end()
    } else response.writeHead(503, { 'retry-after': '1' }).end()
    return
  }
  response.writeHead(answer() ? 200 : 503, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify({ state: node.state, isLeader: node.isLeader })}\n`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    isLeaving = true
    // Waits for the work to end, and hands over to a pod that waits.
    await node.stop()
    server.close()
    server.closeIdleConnections()
    console.log('has left')
  })
}

server.listen(Number(PORT), () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : PORT
  console.log(`listens at port ${port}`)
})
// It goes on to try while etcd cannot be reached. What it is refused for good is told by `error`.
node.start().catch(() => undefined)

function isWorkStuck() {
  return toldToEndAt !== null && performance.now() - toldToEndAt > WORK_ENDS_WITHIN_MS
}

/**
 * Stands for a piece of work that takes no longer than a fraction of the ttl.
 *
 * @param {AbortSignal} signal
 */
async function doOneStep(signal) {
  await delay(200, undefined, { signal }).catch(() => undefined)
}
