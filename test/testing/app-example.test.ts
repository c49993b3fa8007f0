import { expect, test } from 'vitest'
import type { LockedNode } from '../../src/index.js'
import { electionTestModel, MemoryCluster } from '../../src/testing/index.js'

/** The app: sends a newsletter, and only ever from one of its servers. */
class Newsletter {
  sending = false
  breakDown = (_: Error) => {}

  constructor(readonly node: LockedNode) {
    node.on('error', () => {}) // it gives up, so that another server sends
    node.lead(async ({ signal }) => {
      this.sending = true
      try {
        await new Promise<void>((resolve, reject) => {
          signal.addEventListener('abort', () => resolve())
          this.breakDown = reject
        })
      } finally {
        this.sending = false
      }
    })
  }
}

for (const path of electionTestModel().getShortestPaths()) {
  test(`the newsletter is sent by the leader. ${path.description}`, async () => {
    const cluster = new MemoryCluster()
    const options = { value: 'host', ttl: 10 }
    const ours = cluster.node('/newsletter', { id: 'ours', ...options })
    const app = new Newsletter(ours)
    let rival = new Newsletter(cluster.node('/newsletter', { id: 'rival', ...options }))

    await path.test({
      events: {
        async start() {
          cluster.freeze(ours)
          ours.start()
          await cluster.advance(100)
        },
        async stop() {
          cluster.heal(ours)
          ours.stop()
          await cluster.advance(1_000)
        },
        async elected() {
          cluster.kill(rival.node) // its lease runs out, and the app's node takes over
          cluster.heal(ours)
          await cluster.advance(15_000)
        },
        async overtaken() {
          cluster.kill(rival.node)
          rival = new Newsletter(cluster.node('/newsletter', { id: 'rival', ...options }))
          cluster.freeze(ours)
          rival.node.start()
          cluster.expire('/newsletter')
          await cluster.advance(1_000)
          cluster.heal(ours)
          await cluster.advance(6_000)
        },
        async lost() {
          cluster.freeze(ours)
          await cluster.advance(10_000)
        },
        async failed() {
          app.breakDown(new Error('the mail server is down'))
          await cluster.advance(1_000)
        },
      },
      states: {
        leader() {
          expect(app.sending).toBe(true)
        },
        follower() {
          expect(app.sending).toBe(false)
          expect(rival.sending).toBe(true)
        },
        '*'() {
          expect(app.sending).toBe(false)
        },
      },
    })
  })
}
