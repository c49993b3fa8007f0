import locked, { LockedError, type LockedNode, UnreachableError } from 'locked'
import { electionMachine } from 'locked/machine'
import { VirtualClock } from 'locked/testing'

async function main(): Promise<void> {
  for (const hosts of ['memory:', process.env.HOSTS ?? '']) {
    const node: LockedNode = locked(hosts)('/app', { value: 1, ttl: 3 })
    await node.start()
    console.log(node.state, node.token !== null)
    await node.stop()
  }
  console.log(new UnreachableError('x') instanceof LockedError, electionMachine.id)
  console.log(new VirtualClock().now())
}

main()
