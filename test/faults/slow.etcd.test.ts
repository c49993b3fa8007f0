import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Random } from '../../verification/random.js'
import { startEtcd } from '../etcd/index.js'
import { Starvation } from '../load/starvation.js'
import { PATIENCE_MS } from '../patience.js'
import { formatHistory, LocalCompetitor } from './local-competitor.js'
import { now } from './now.js'

const TTL = 5
const LEADERS = 12
const RENEWALS = 8
/** What is left of the validity when half of the ttl has passed, in milliseconds. */
const LEFT_MS = TTL * 1_000 * 0.4
/** A renewal takes two round trips. They may take 80 % of that. */
const LONGEST_ROUND_TRIP_MS = LEFT_MS * 0.4
const SPARE_MS = LEFT_MS - 2 * LONGEST_ROUND_TRIP_MS

vi.setConfig({ testTimeout: 3 * PATIENCE_MS })

test('leaders stay leader whatever answers take, and however that changes, as long as renewals come in time', async () => {
  const seed = Number(process.env.LOCKED_TEST_SLOW_SEED ?? Date.now() % 2 ** 31)
  const random = new Random(seed)
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())
  using starvation = new Starvation()
  const leaders = await Promise.all(
    Array.from({ length: LEADERS }, (_, index) =>
      LocalCompetitor.create({
        name: `leader ${index}`,
        path: `/slow/${index}`,
        ttl: TTL,
        member: etcd.endpoint,
      }),
    ),
  )
  onTestFinished(async () => {
    await Promise.all(leaders.map((leader) => leader.end()))
  })
  const deselected: { readonly name: string; readonly reason: string; readonly at: number }[] = []
  for (const { name, node } of leaders) {
    node.on('deselect', (reason) => deselected.push({ name, reason, at: now() }))
  }
  await Promise.all(
    leaders.map(async (leader) => {
      const selected = leader.until('select', PATIENCE_MS)
      await leader.start()
      await selected
    }),
  )
  const weather = new AbortController()
  const changing = leaders.map((leader) => change(leader, random, weather.signal))
  await Promise.all(
    leaders.map(async (leader) => {
      while (leader.refreshed < RENEWALS) await leader.until('refresh', PATIENCE_MS)
    }),
  )
  weather.abort()
  await Promise.all(changing)
  for (const { name, reason, at } of deselected) {
    const starvedMs = starvation.between(at - TTL * 1_000, at)
    const what = `seed ${seed}: ${name} was deselected: ${reason}; starved for ${starvedMs} ms`
    expect(starvedMs, `${what}\n${formatHistory(leaders)}`).toBeGreaterThan(SPARE_MS)
  }
})

/** From time to time round trips take longer or shorter: a little, or anything from nothing to the longest. */
async function change({ relay }: LocalCompetitor, random: Random, signal: AbortSignal) {
  const longestMs = LONGEST_ROUND_TRIP_MS * Math.sqrt(random.next())
  const steadiness = random.pick([0, 0.9, 1])
  while (!signal.aborted) {
    relay.delay(random.between(longestMs * steadiness, longestMs) / 2)
    await sleep(random.between(200, 4_000), undefined, { signal }).catch(() => undefined)
  }
}
