// An app whose worker threads compete. Signals reach its main thread only: that tells the others to stop.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import locked from 'locked'

if (isMainThread) await main(...process.argv.slice(2))
else await compete(workerData)

async function main(hosts, path, ttl) {
  const threads = [1, 2].map(
    (number) =>
      new Worker(new URL(import.meta.url), {
        workerData: { hosts, path, ttl: Number(ttl), number },
      }),
  )
  process.once('SIGTERM', () => {
    console.log('main: SIGTERM')
    for (const thread of threads) thread.postMessage('stop')
  })
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  console.log('2 joined')
}

async function compete({ hosts, path, ttl, number }) {
  // Not called: a worker thread gets no signals.
  process.once('SIGTERM', () => console.log(`thread ${number}: SIGTERM`))
  const node = locked(hosts)(path, { value: number, ttl })
  node.on('select', () => console.log(`thread ${number} leads`))
  parentPort.once('message', async () => {
    await node.stop()
  })
  await node.start()
  parentPort.postMessage('joined')
}
