import { setTimeout as sleep } from 'node:timers/promises'
import { TTL } from '../contenders/contender.js'
import type { Row } from '../row.js'

const PATHS = 5_000
const SETTLE_MS = 3_000

export const atRest: Row = {
  name: 'at-rest',
  title: `5,000 leaders at rest for one ttl of ${TTL} s`,
  rounds: 3,
  contenders: ['locked', 'before', 'etcd3', 'go'],
  goals: [
    { figure: 'requests', atMost: 4 },
    { figure: 'processor ms', atMost: 0.25, times: 'etcd3' },
  ],
  async sample(place) {
    await using worker = await place.worker({ warm: false })
    await worker.ask('join', { paths: place.paths(place.scaled(PATHS)), lead: true })
    await sleep(SETTLE_MS)
    const requests = await place.requests()
    const processorMs = await worker.ask('processorTime', {})
    await sleep(TTL * 1_000)
    return {
      requests: (await place.requests()) - requests,
      'processor ms': (await worker.ask('processorTime', {})) - processorMs,
    }
  },
}
