import { expect } from 'vitest'
import { MemoryCluster } from '../../src/testing/index.js'

const PATH = '/stage'
const OPTIONS = { value: 'host', ttl: 10 }

/** A node in a cluster of its own, and how the events of an `electionTestMachine` come about there. */
export function stage() {
  const cluster = new MemoryCluster()
  const ours = cluster.node(PATH, { id: 'ours', ...OPTIONS })
  let rival = cluster.node(PATH, { id: 'rival', ...OPTIONS })
  let breakDown = (_: Error) => {}
  ours.on('error', () => {})
  ours.lead(({ signal }) => {
    return new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => resolve())
      breakDown = reject
    })
  })
  const state = (name: string) => () => {
    expect(ours.state).toBe(name)
    expect(ours.isLeader).toBe(name === 'leader')
  }
  return {
    node: ours,
    events: {
      async start() {
        cluster.freeze(ours)
        void ours.start()
        await cluster.advance(100)
      },
      async stop() {
        cluster.heal(ours)
        void ours.stop()
        await cluster.advance(1_000)
      },
      async elected() {
        cluster.kill(rival)
        cluster.heal(ours)
        await cluster.advance(15_000)
      },
      async overtaken() {
        cluster.kill(rival)
        rival = cluster.node(PATH, { id: 'rival', ...OPTIONS })
        cluster.freeze(ours)
        void rival.start()
        cluster.expire(PATH)
        await cluster.advance(1_000)
        cluster.heal(ours)
        await cluster.advance(6_000)
      },
      async lost() {
        cluster.freeze(ours)
        await cluster.advance(10_000)
      },
      async failed() {
        breakDown(new Error('the work failed'))
        await cluster.advance(1_000)
      },
    },
    states: {
      idle: state('idle'),
      campaigning: state('campaigning'),
      leader: state('leader'),
      follower: state('follower'),
      stopped: state('stopped'),
    },
  }
}
