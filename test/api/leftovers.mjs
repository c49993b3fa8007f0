// Starts and stops one node many times, and tells what this process held before and afterwards. Then
// lives on until its standard input ends, so that it can be seen what is left of it elsewhere.
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import locked from 'locked'

const [hosts, path, times] = process.argv.slice(2)
const given = hosts.startsWith('etcdjs:')
  ? createRequire(import.meta.url)('etcdjs')([hosts.slice('etcdjs:'.length)])
  : hosts
const node = locked(given)({ path, id: 'again and again', value: 10, ttl: 600 })
let selects = 0
node.on('select', () => {
  selects += 1
})

const before = await untilSettled()
const listeners = listening()
let meanwhile = ''
for (let time = 1; time <= Number(times); time += 1) {
  await node.start()
  meanwhile = held()
  await node.stop()
}
const after = await untilSettled()
const told = { selects, before, meanwhile, after, listeners, listenersAfter: listening() }
process.stdout.write(`${JSON.stringify(told)}\n`)
process.stdin.resume()

/** What is held at last: sockets, streams and files that were closed are gone a little later. */
async function untilSettled() {
  const deadline = Date.now() + 20_000
  while (held() !== '' && Date.now() < deadline) await sleep(50)
  return held()
}

/** Timers, streams, requests and connections, without standard input and output. */
function held() {
  const resources = process
    .getActiveResourcesInfo()
    .filter((kind) => !['PipeWrap', 'TTYWrap', 'FSReqPromise'].includes(kind))
  // Those of HTTP/2 are not among them.
  const connections = process.report.getReport().libuv.filter(({ type }) => type === 'tcp')
  return [...resources, ...connections.map(({ type }) => type)].sort().join()
}

function listening() {
  return [process, node]
    .flatMap((emitter) =>
      emitter.eventNames().map((name) => `${String(name)} ${emitter.listenerCount(name)}`),
    )
    .join()
}
