import { randomUUID } from 'node:crypto'
import { Etcd3 } from 'etcd3'
import { expect, test } from 'vitest'
import { startEtcd } from '../etcd/index.js'
import { RunningCommand } from './command.js'

test('locked demo --endpoints elects on etcd, outlives an outage, and leaves nothing', async () => {
  await using etcd = await startEtcd()
  const path = `/demo-${randomUUID()}`
  using demo = RunningCommand.locked(
    ...['demo', '--endpoints', etcd.endpoint, '--path', path, '--ttl', '2'],
  )
  await demo.untilMatch(/ select .* token=\d+\n/)
  const client = new Etcd3({ hosts: etcd.endpoint })
  try {
    expect(await client.get(path)).toMatch(/node-[abc]@/)
    await etcd.pause()
    await demo.untilMatch(/ deselect reason=expired\n/)
    await demo.untilMatch(/ unreachable /)
    await etcd.resume()
    await demo.untilMatch(/ unreachable .* reachable\n.* select [^\n]*\n/s)
    demo.kill('SIGINT')
    expect(await demo.exited).toBe(0)
    expect(await client.get(path)).toBeNull()
  } finally {
    client.close()
  }
})
