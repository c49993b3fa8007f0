// `importing CONTENDER ENDPOINT`: a fresh process that loads one of them, and reads a key with it. Prints how
// long that took in milliseconds. With `memory:` as the endpoint it elects a node there instead. Runs in the
// package's folder.
import { AGAINST, versionIn } from './contenders/before.js'
import { now } from './now.js'

const [name = '', endpoint = ''] = process.argv.slice(2)
const startedAt = now()

if (name === 'etcd3') {
  const { Etcd3 } = await import('etcd3')
  await new Etcd3({ hosts: `http://${endpoint}` }).get('bench-import')
} else {
  // As its users load it: the package, as it has been built.
  const locked = await versionIn(name === 'before' ? (process.env[AGAINST] ?? '') : process.cwd())
  const node = locked(endpoint)('/bench-import', { value: 10 })
  if (endpoint === 'memory:') await node.start()
  else await node.id()
}
process.stdout.write(`${now() - startedAt}\n`)
process.exit()
