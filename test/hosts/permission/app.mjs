// An app as whoever runs it under Node.js's permission model has it: elected once, and ends by itself.
import locked from 'locked'

const node = locked(process.env.HOSTS)('/permission', { value: 1, ttl: 60 })
node.on('unreachable', ({ name, message }) => console.log(`unreachable ${name} ${message}`))
node.on('error', ({ name, message }) => console.log(`error ${name} ${message}`))
try {
  await node.start()
  console.log(node.state)
} catch ({ name }) {
  console.log(`rejects with ${name}`)
}
await node.stop()
console.log('stopped')
