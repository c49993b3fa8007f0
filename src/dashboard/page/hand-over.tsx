import { useState } from 'preact/hooks'
import type { WaitingNow } from '../protocol.js'
import { useModel } from './use-model.js'

/** Asks the leader of a path to hand over, and tells why nothing came of it. */
export function HandOver({ path, first }: WaitingNow) {
  const { model, connection } = useModel()
  const [chosen, choose] = useState('')
  const ids = [...new Set(first.flatMap(({ id }) => (id === null || id === '' ? [] : [id])))]
  // Whoever was chosen may have left.
  const to = ids.includes(chosen) ? chosen : ''
  const answer = model.asked.get(path)
  return (
    <div class="hand-over">
      <button
        type="button"
        disabled={answer === null}
        onClick={() => connection.handOver(path, to === '' ? null : to)}
      >
        Hand over
      </button>
      {ids.length > 1 && (
        <label>
          to{' '}
          <select value={to} onChange={(e) => choose(e.currentTarget.value)}>
            <option value="">whoever came last</option>
            {ids.map((id) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </select>
        </label>
      )}
      <span role="status">{answer === null ? 'The leader is asked.' : answer}</span>
    </div>
  )
}
