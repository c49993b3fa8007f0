// An app of several processes by `cluster`: each worker competes, and the primary only starts them.
import cluster from 'node:cluster'
import locked from 'locked'

const [hosts, path, ttl] = process.argv.slice(2)

if (cluster.isPrimary) {
  for (let count = 0; count < 3; count += 1) cluster.fork()
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
  })
  cluster.on('message', ({ process: { pid } }, what) => console.log(`${pid} ${what}`))
  cluster.on('exit', ({ process: { pid } }, code, signal) =>
    console.log(`${pid} ended: ${signal ?? code}`),
  )
} else {
  const node = locked(hosts)(path, { value: process.pid, ttl: Number(ttl) })
  node.on('select', () => process.send('leads'))
  node.on('deselect', () => process.send('no longer leads'))
  process.once('SIGTERM', async () => {
    await node.stop()
    // The channel to the primary keeps a worker.
    process.disconnect()
  })
  await node.start()
  process.send('joined')
}
