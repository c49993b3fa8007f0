// Runs a block of the documentation, given as a file, as its reader would: then waits until its nodes
// know who holds their paths, stops them, and ends.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import locked from 'locked'

// What a block that is a part of a program takes from the rest of it.
Object.assign(globalThis, {
  locked,
  readFileSync,
  /** Stands for the work of whoever reads it. */
  async doOneStep({ token, signal }) {
    if (typeof token !== 'bigint') throw new TypeError('the leader has a token')
    if (!signal.aborted) await once(signal, 'abort')
  },
})

const { prototype } = locked('memory:')('/', { value: null }).constructor
const { start } = prototype
const nodes = new Set()
prototype.start = function (...args) {
  nodes.add(this)
  return start.apply(this, args)
}

await import(pathToFileURL(process.argv[2]))
// A block that stopped its node in the end does not have it started again.
for (const node of nodes) if (node.state !== 'stopped') await start.call(node)
// What was asked for in callbacks is answered before this.
for (const node of nodes) if (node.state !== 'stopped') await node.value()
for (const node of nodes) await node.stop()
process.exit()
