import locked = require('locked')

async function main(): Promise<void> {
  const node: locked.LockedNode = locked(process.env.HOSTS ?? '')('/app', { value: 1, ttl: 3 })
  await node.start()
  console.log(node.state, node.token !== null)
  await node.stop()
  const error: locked.UnreachableError = new locked.UnreachableError('x')
  console.log(error instanceof locked.LockedError, 'election')
  console.log(0)
}

main()
