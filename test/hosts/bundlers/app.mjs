// What an app may do with the package, on memory and, if there are HOSTS, on etcd.
import locked, { UnreachableError } from 'locked'
import { electionMachine } from 'locked/machine'
import { MemoryCluster } from 'locked/testing'
import required from './dependency.cjs'

process.on('unhandledRejection', (thrown) => console.log('unhandled', thrown))
console.log(required.locked === locked ? 'one function' : 'two functions')
console.log(required.locked.UnreachableError === UnreachableError ? 'one class' : 'two classes')
console.log(required.machine === electionMachine ? 'one machine' : 'two machines')

async function elect(node) {
  node.on('unreachable', ({ message }) => console.log('unreachable', message))
  node.on('error', ({ name, message }) => console.log('error', name, message))
  await node.start()
  console.log(node.state)
  await node.stop()
}

async function main() {
  const cluster = new MemoryCluster()
  const node = cluster.node('/tested', { value: 1 })
  const starting = node.start()
  await cluster.advance(1_000)
  await starting
  console.log(`${node.state} on a clock of its own`)
  await elect(locked('memory:')('/embedded', { value: 1 }))
  try {
    await elect(locked(process.env.HOSTS)('/bundled', { value: 1, ttl: 3 }))
  } catch ({ name }) {
    console.log(`rejects with ${name}`)
  }
}

main()
