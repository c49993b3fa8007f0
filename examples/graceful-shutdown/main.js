// @ts-check
// Works while it leads. On SIGTERM it finishes what it has begun, hands over to who waits, and exits. The
// next leader begins after that, and the path is never vacant.
import { setTimeout as delay } from 'node:timers/promises'
import locked from 'locked'

const { ETCD_ENDPOINTS = '127.0.0.1:2379', UNIT_MS = '1000' } = process.env

const node = locked(ETCD_ENDPOINTS)('/graceful-shutdown', { value: process.pid, ttl: 5 })

node.lead(async ({ signal }) => {
  say('leads')
  for (let unit = 1; !signal.aborted; unit += 1) {
    say(`unit ${unit} begins`)
    await doUnit()
    say(`unit ${unit} ends`)
  }
})
node.on('deselect', (reason) => say(`no longer leads: ${reason}`))
node.on('change', (value) => say(`the leader is ${value}`))
node.on('vacant', () => say('nobody leads'))
node.on('unreachable', (error) => console.error(`unreachable: ${error.message}`))
node.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    say(`got ${signal}`)
    // Aborts the signal of `lead`, waits for the work to end, and hands over; where nobody waits, it releases
    // the path. The work is not waited for longer than the session is valid by now: a unit has to fit into
    // a third of the ttl.
    await node.stop()
    say('has left')
    // Nothing else keeps the process: it exits by itself, with 0.
  })
}

await node.start()
say(`started as ${node.state}`)

/** Stands for a piece of work that must not be left half done. */
async function doUnit() {
  await delay(Number(UNIT_MS))
}

/** @param {string} what */
function say(what) {
  console.log(`${Date.now()} ${what}`)
}
