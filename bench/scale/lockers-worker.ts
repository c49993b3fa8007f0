// `lockers-worker ENDPOINT`: a process of lockers, told by its parent what to do (see lockers-process.ts). It
// answers each request with a number, or with what was thrown.
import { once } from 'node:events'
import locked, { type LockedNode } from '../../src/index.js'
import { TTL } from '../contenders/contender.js'
import type { Asked } from './lockers-process.js'

const [endpoint = ''] = process.argv.slice(2)
const nodes: LockedNode[] = []

async function act(asked: Asked): Promise<number> {
  switch (asked.call) {
    case 'start': {
      const lockers = Array.from({ length: asked.lockers }, () => locked(endpoint))
      const made = lockers.flatMap((locker, index) =>
        asked.paths.map((path) =>
          locker(asked.lockers === 1 ? path : `${path}-${process.pid}-${index}`, {
            value: index,
            ttl: TTL,
          }),
        ),
      )
      nodes.push(...made)
      await Promise.all(made.map((node) => node.start()))
      return made.length
    }
    case 'stop':
      await Promise.all(nodes.map((node) => node.stop()))
      return 0
    case 'lead':
      await Promise.all(nodes.map((node) => node.isLeader || once(node, 'select')))
      return 0
    case 'heap':
      for (let round = 0; round < 3; round++) {
        globalThis.gc?.()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return process.memoryUsage().heapUsed
  }
}

process.on('message', (asked: Asked) => {
  act(asked).then(
    (answer) => process.send?.(answer),
    (thrown) => process.send?.(String(thrown)),
  )
})
