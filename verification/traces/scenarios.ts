import type { Stage } from './stage.js'

/** Something that happens to an election, as a text tells it. */
export interface Scenario {
  /** The name of its file. */
  readonly name: string
  play(stage: Stage): Promise<void>
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'elected-and-stopped',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      await stage.act('a is stopped', () => a.node.stop())
    },
  },
  {
    name: 'taken-over-from-a-leader-that-stops',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('a is stopped', () => a.node.stop())
    },
  },
  {
    name: 'answer-to-a-claim-lost',
    async play(stage) {
      const a = stage.node('a')
      a.lose('claim', 'answer')
      await stage.act('a is started', () => a.node.start())
      await stage.pass(6_000)
    },
  },
  {
    name: 'claim-lost',
    async play(stage) {
      const a = stage.node('a')
      a.lose('claim', 'request')
      await stage.act('a is started', () => a.node.start())
      await stage.pass(6_000)
    },
  },
  {
    name: 'stopped-while-a-claim-is-under-way',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start(), 3)
      await stage.act('a is stopped', () => a.node.stop())
    },
  },
  {
    name: 'handed-over-by-transfer',
    async play(stage) {
      const [a, b, c] = [stage.node('a'), stage.node('b'), stage.node('c')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('c is started', () => c.node.start())
      await stage.act('a is to hand over to b', () => a.node.transfer('b'), 40)
    },
  },
  {
    name: 'candidate-that-leaves-as-it-is-chosen',
    async play(stage) {
      const [a, b, c] = [stage.node('a'), stage.node('b'), stage.node('c')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('c is started', () => c.node.start())
      await stage.act('a is stopped', () => a.node.stop(), 1)
      await stage.act('c is stopped', () => c.node.stop(), 40)
    },
  },
  {
    name: 'installed-as-it-leaves',
    async play(stage) {
      const [a, b, c] = [stage.node('a'), stage.node('b'), stage.node('c')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('c is started', () => c.node.start())
      // The hand-over arrives first, and then its leave, before it is told.
      await stage.act('a is stopped', () => a.node.stop(), 4)
      await stage.act('c is stopped', () => c.node.stop(), 40)
    },
  },
  {
    name: 'late-request-of-an-earlier-reign',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      a.delay('propose', 200)
      await stage.act('a proposes another value', () => a.node.propose('another'))
      await stage.act('a is to hand over to b', () => a.node.transfer('b'), 40)
      await stage.act('b is to hand over to a', () => b.node.transfer('a'), 40)
      await stage.pass(200)
    },
  },
  {
    name: 'all-stopped-at-once',
    async play(stage) {
      const [a, b, c] = [stage.node('a'), stage.node('b'), stage.node('c')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('c is started', () => c.node.start())
      const stop = () => Promise.all([a.node.stop(), b.node.stop(), c.node.stop()])
      await stage.act('all are stopped', stop, 40)
    },
  },
  {
    name: 'value-changed-while-waiting',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('b proposes another value', () => b.node.propose('another'))
      await stage.act('a is stopped', () => a.node.stop())
    },
  },
  {
    name: 'hand-over-without-answer',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      a.lose('install', 'answer')
      await stage.act('a is stopped', () => a.node.stop(), 6_000)
    },
  },
  {
    name: 'hand-over-lost',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      a.lose('install', 'request')
      await stage.act('a is stopped', () => a.node.stop(), 6_000)
    },
  },
  {
    name: 'release-without-answer',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      a.lose('release', 'answer')
      await stage.act('a is stopped', () => a.node.stop(), 6_000)
    },
  },
  {
    name: 'release-lost',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      a.lose('release', 'request')
      await stage.act('a is stopped', () => a.node.stop(), 6_000)
    },
  },
  {
    name: 'release-lost-while-another-node-keeps-the-session',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      await stage.act('another node of its process is started', () => a.startBeside())
      a.lose('release', 'request')
      await stage.act('a is stopped', () => a.node.stop(), 6_000)
      await stage.pass(8_000)
    },
  },
  {
    name: 'follower-without-a-session',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('b can reach nobody', () => b.link.cut(), 12_000)
      await stage.act('b can again', () => b.link.heal(), 6_000)
    },
  },
  {
    name: 'deleted-by-an-operator',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('an operator deletes the key', () => stage.delete(), 500)
    },
  },
  {
    name: 'deleted-while-the-leader-is-cut-off',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('the network of a freezes', () => a.link.freeze())
      await stage.act('an operator deletes the key', () => stage.delete(), 500)
      await stage.act('the network of a is healed', () => a.link.heal(), 100)
    },
  },
  {
    name: 'overwritten-with-junk',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      await stage.act('an operator writes junk', () => stage.put('junk'))
      await stage.act('an operator deletes the key', () => stage.delete(), 500)
    },
  },
  {
    name: 'two-nodes-with-one-id',
    async play(stage) {
      const [a, b] = [stage.node('one', 'same'), stage.node('other', 'same')]
      await stage.act('one is started', () => a.node.start())
      await stage.act('the other is started', () => b.node.start())
      await stage.act('one is stopped', () => a.node.stop())
    },
  },
  {
    name: 'renewed-and-expired',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.pass(5_000)
      await stage.act('the network of a freezes', () => a.link.freeze(), 11_000)
      await stage.act('the network of a is healed', () => a.link.heal(), 100)
    },
  },
  {
    name: 'expired-while-proposing',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      await stage.act('the network of a freezes', () => a.link.freeze())
      await stage.act('a proposes another value', () => a.node.propose('another'), 9_500)
      await stage.act('the network of a is healed', () => a.link.heal(), 2_000)
    },
  },
  {
    name: 'proposed-with-the-answer-lost',
    async play(stage) {
      const a = stage.node('a')
      await stage.act('a is started', () => a.node.start())
      a.lose('propose', 'answer')
      await stage.act('a proposes another value', () => a.node.propose('another'), 4_000)
    },
  },
  {
    name: 'history-lost',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      await stage.act('b is started', () => b.node.start())
      await stage.act('the store loses its data', () => stage.store.restore(), 500)
    },
  },
  {
    name: 'history-restored-with-an-older-leader',
    async play(stage) {
      const [a, b] = [stage.node('a'), stage.node('b')]
      await stage.act('a is started', () => a.node.start())
      const backup = stage.store.backup()
      await stage.act('b is started', () => b.node.start())
      await stage.act('a is stopped', () => a.node.stop())
      await stage.act('the store is restored', () => stage.store.restore(backup), 12_000)
    },
  },
]
