// @ts-check
// Runs a job again and again, on one server only.
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import locked from 'locked'
import { Ledger, StaleTokenError } from './ledger.js'

const JOB = 'report'
const {
  ETCD_ENDPOINTS = '127.0.0.1:2379',
  HOST = `${hostname()}-${process.pid}`,
  DATABASE = 'ledger.db',
  EVERY_MS = '1000',
} = process.env

const ledger = new Ledger(DATABASE)
const node = locked(ETCD_ENDPOINTS)(`/scheduled-job/${JOB}`, { id: HOST, value: HOST, ttl: 2 })

node.lead(async ({ token, signal }) => {
  console.log(`leads with token ${token}`)
  while (!signal.aborted) {
    console.log('the job begins')
    const text = await makeReport()
    // Asking once more whether this process leads would not help: it can be stopped after any answer,
    // and go on when another has long been elected. The database decides.
    try {
      ledger.write({ job: JOB, host: HOST, token, text })
      console.log(`the job is done, with token ${token}`)
    } catch (error) {
      if (!(error instanceof StaleTokenError)) throw error
      console.log(`refused: ${error.message}`)
      return
    }
    await delay(Number(EVERY_MS), undefined, { signal }).catch(() => undefined)
  }
})
node.on('deselect', (reason) => console.log(`no longer leads: ${reason}`))
node.on('unreachable', (error) => console.error(`unreachable: ${error.message}`))
node.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await node.stop()
    ledger.close()
  })
}

await node.start()
console.log(node.isLeader ? 'started as leader' : `started; ${node.holder?.id} leads`)

/** Stands for work that takes a while, and cannot be interrupted. */
async function makeReport() {
  await delay(500)
  return `made at ${new Date().toISOString()}`
}
