import { expect, test } from 'vitest'
import { initialTransition, transition } from 'xstate'
import { type ElectionEvent, electionMachine } from '../../machines/election.js'

const error = { name: 'UnreachableError', message: 'no answer' }

const deletions: readonly [state: object, event: (lease: string) => ElectionEvent][] = [
  [{ campaigning: 'clearing' }, (lease) => ({ type: 'failed', error, lease })],
  [{ stopped: 'releasing' }, (lease) => ({ type: 'released', lease })],
  [{ stopped: 'releasing' }, (lease) => ({ type: 'deleted', lease })],
  [{ stopped: 'leaving' }, (lease) => ({ type: 'released', lease })],
]

test.each(deletions)(
  'a deletion in %j that has no answer hides no claim under a later lease that had none',
  (state, event) => {
    expect(after(state, 'later', event('earlier'))).toBe('later')
    expect(after(state, 'earlier', event('later'))).toBe('later')
    expect(after(state, 'later', event('long ago'))).toBe('later')
    expect(after(state, 'long ago', event('earlier'))).toBe('earlier')
    expect(after(state, null, event('earlier'))).toBe('earlier')
  },
)

/** What the node still doubts after the event. */
function after(state: object, unanswered: string | null, event: ElectionEvent): string | null {
  const input = { path: '/path', id: 'a', instance: 'a', value: null, ttl: 10, isSole: true }
  const [{ context }] = initialTransition(electionMachine, input)
  const before = electionMachine.resolveState({
    value: state as never,
    context: { ...context, leases: ['later', 'earlier'], unanswered },
  })
  return transition(electionMachine, before, event)[0].context.unanswered
}
