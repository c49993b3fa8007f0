// @ts-check
// An HTTP service of several processes, of which one, the leader, may write.
import { hostname } from 'node:os'
import Fastify from 'fastify'
import locked from 'locked'

const { ETCD_ENDPOINTS = '127.0.0.1:2379', HOST = '127.0.0.1', PORT = '3000' } = process.env

const app = Fastify()
let counter = 0

/** Whether this process runs: both leader and followers are well. */
app.get('/health', async () => ({
  role: node.isLeader ? 'leader' : 'follower',
  state: node.state,
  leader: node.holder?.value ?? null,
}))

/** For load balancers that send to the leader only. */
app.get('/health/leader', async (_request, reply) => {
  reply.code(node.isLeader ? 200 : 503)
  return { role: node.isLeader ? 'leader' : 'follower' }
})

/** Only the leader counts; the others say where it is. */
app.post('/count', async (_request, reply) => {
  if (node.isLeader) {
    counter += 1
    return { counter }
  }
  const leader = node.holder?.value
  if (typeof leader === 'string') return reply.redirect(`${leader}/count`, 307)
  reply.code(503).header('retry-after', '1')
  return { error: 'nobody leads just now' }
})

// The value of the path is where the leader can be reached, so it listens first.
const url = await app.listen({ host: HOST, port: Number(PORT) })
const id = `${hostname()}-${process.pid}`
const node = locked(ETCD_ENDPOINTS)('/http-service', { id, value: url, ttl: 10 })
node.on('unreachable', (error) => console.error(`unreachable: ${error.message}`))
node.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    // Another takes over at once, while the requests that are on their way are still answered.
    await node.stop()
    await app.close()
  })
}

await node.start()
console.log(`listens at ${url}`)
