import locked = require('locked')

async function main(): Promise<void> {
  for (const hosts of ['memory:', process.env.HOSTS ?? '']) {
    const node: locked.LockedNode = locked(hosts)('/app', { value: 1, ttl: 3 })
    await node.start()
    console.log(node.state, node.token !== null)
    await node.stop()
  }
  const error: locked.UnreachableError = new locked.UnreachableError('x')
  console.log(error instanceof locked.LockedError, 'election')
  console.log(0)
}

main()
