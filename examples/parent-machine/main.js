// @ts-check
// Runs an app's statechart that invokes the election as a child.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import locked from 'locked'
import { createActor, fromPromise } from 'xstate'
import { importerMachine } from './importer.js'

const { ETCD_ENDPOINTS = '127.0.0.1:2379', HOST = `${hostname()}-${process.pid}` } = process.env

const importer = createActor(
  importerMachine.provide({
    actors: {
      election: locked(ETCD_ENDPOINTS).machine,
      batch: fromPromise(
        /** @param {{ input: { token: number | null }, signal: AbortSignal }} batch */
        async ({ input: { token }, signal }) => {
          console.log(`a batch begins, with token ${token}`)
          await delay(500, undefined, { signal }) // what it writes to should refuse a stale token
          console.log('the batch ends')
        },
      ),
    },
  }),
  { input: { path: '/parent-machine', id: HOST, instance: randomUUID() } },
)

let was = ''
importer.subscribe({
  next({ value }) {
    if (value === was) return
    was = value
    console.log(`is ${value}`)
  },
  error(error) {
    console.error(error)
    process.exitCode = 1
  },
})
importer.start()

// What the election tells besides its states.
const { election } = importer.getSnapshot().children
election?.on('unreachable', ({ error }) => console.error(`unreachable: ${error.message}`))
election?.on('error', ({ error }) => {
  console.error(error.message)
  process.exitCode = 1
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => importer.send({ type: 'CLOSE' }))
}
