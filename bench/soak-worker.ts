// One of the two processes of the soak: a node on each path. Its parent says when to start, and when
// some of its leaders are to stop and start again.
import { setTimeout as sleep } from 'node:timers/promises'
import locked from '../src/index.js'

export interface SoakCounts {
  readonly heapBytes: number
  /** How often a leader was stopped and started again. */
  readonly cycles: number
  readonly elections: number
  /** What should not have happened, in words. */
  readonly faults: readonly string[]
}

const SHARE = 0.05

const [, , endpoint = '', paths = '', ttl = '', id = ''] = process.argv
const locker = locked(endpoint)
const faults: string[] = []
let cycles = 0
let elections = 0

const nodes = Array.from({ length: Number(paths) }, (_, index) => {
  const node = locker(`/soak/${index}`, { id, value: index, ttl: Number(ttl) })
  node.on('select', () => {
    elections += 1
  })
  node.on('deselect', (reason) => {
    if (reason !== 'stopped') faults.push(`${id} lost ${node.path}: ${reason}`)
  })
  node.on('unreachable', (error) => faults.push(`${id} at ${node.path}: ${error.message}`))
  node.on('error', (error) => faults.push(`${id} at ${node.path}: ${error.message}`))
  return node
})

process.on('message', (call) => void answer(call))

async function answer(call: unknown): Promise<void> {
  if (call === 'start') await Promise.all(nodes.map((node) => node.start()))
  if (call === 'change') await change()
  for (let round = 0; round < 3; round++) globalThis.gc?.()
  const heapBytes = process.memoryUsage().heapUsed
  process.send?.({ heapBytes, cycles, elections, faults } satisfies SoakCounts)
}

async function change(): Promise<void> {
  const leaders = nodes.filter((node) => node.isLeader && Math.random() < SHARE)
  await Promise.all(
    leaders.map(async (node) => {
      await node.stop()
      cycles += 1
      // The other process has it by then.
      await sleep(100)
      await node.start()
    }),
  )
}
