// A node on the embedded store, in a process of its own that LOCKED_INSPECT has told of a viewer. NAME_SERVER
// is who is asked for names, if not whom this machine asks.
//   finish         leads, waits for a line on standard input, says whether it still does, stops, and says
//                  what keeps it for half a second
//   come-and-go N  has N nodes come and go, and says how many are still held
//   grow N M       has N nodes come and go, and then others until they are M, and says by how many bytes for
//                  each of those the heap has grown
import { setServers } from 'node:dns'
import { once } from 'node:events'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import locked from 'locked'

const [what, count, total] = process.argv.slice(2)
const { NAME_SERVER } = process.env
if (NAME_SERVER) setServers([NAME_SERVER])
const locker = locked('memory:')

if (what === 'come-and-go') await comeAndGo(Number(count))
else if (what === 'grow') await grow(Number(count), Number(total))
else {
  const node = locker('/inspected', { value: 1 })
  await node.start()
  await once(process.stdin, 'data')
  process.stdin.destroy()
  process.stdout.write(`${node.isLeader}\n`)
  await node.stop()
  process.on('exit', () => process.stdout.write(`kept by ${kept() || 'nothing'}\n`))
  endSoon()
}

/**
 * Leaves the process to end by itself for half a second, which is longer where the machine is busy: a
 * pause of it is one of the ten waits, however long it is.
 */
function endSoon(waits = 10) {
  if (waits === 0) process.exit()
  setTimeout(endSoon, 50, waits - 1).unref()
}

function kept() {
  const kinds = process.getActiveResourcesInfo()
  return kinds.filter((kind) => !kind.startsWith('Pipe')).join()
}

async function comeAndGo(times) {
  const gone = []
  for (let time = 0; time < times; time += 1) gone.push(await comeAndGoOnce(`/inspected/${time}`))
  const held = () => gone.filter((one) => one.deref() !== undefined).length
  for (let round = 0; round < 50 && held() > 0; round += 1) {
    await turn()
    globalThis.gc()
  }
  process.stdout.write(`${held()}\n`)
}

async function grow(first, total) {
  // Always the same path: the store itself remembers each.
  for (let time = 0; time < first; time += 1) await comeAndGoOnce('/inspected')
  const before = await smallestHeap()
  for (let time = first; time < total; time += 1) await comeAndGoOnce('/inspected')
  const grown = (await smallestHeap()) - before
  process.stdout.write(`${Math.round(grown / (total - first))}\n`)
}

/** In bytes. What only finalizers let go of takes a few rounds. */
async function smallestHeap() {
  let smallest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 20; round += 1) {
    await pause(10)
    globalThis.gc()
    smallest = Math.min(smallest, process.memoryUsage().heapUsed)
  }
  return smallest
}

async function comeAndGoOnce(path) {
  const node = locker(path, { value: 1 })
  await node.start()
  await node.stop()
  return new WeakRef(node)
}
