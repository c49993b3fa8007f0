import { useMemo, useRef, useState } from 'preact/hooks'
import type { LogEntry } from '../protocol.js'
import { showTime } from './format.js'
import { useModel } from './use-model.js'

const ROW_PX = 24
/** Rows drawn above and below what can be seen. */
const SPARE_ROWS = 10

/** What happened, the latest first, filtered by node, path and kind. */
export function LogView() {
  const { model } = useModel()
  const [node, setNode] = useState('')
  const [path, setPath] = useState('')
  const [kind, setKind] = useState('')
  const { log } = model
  const kinds = useMemo(() => [...new Set(log.map((entry) => entry.kind))].sort(), [log])
  const shown = useMemo(
    () => log.filter((entry) => matches(entry, node, path, kind)).reverse(),
    [log, node, path, kind],
  )
  return (
    <>
      <p class="tools">
        <label>
          Node <input type="search" value={node} onInput={(e) => setNode(e.currentTarget.value)} />
        </label>{' '}
        <label>
          Path <input type="search" value={path} onInput={(e) => setPath(e.currentTarget.value)} />
        </label>{' '}
        <label>
          Kind{' '}
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
            <option value="">all</option>
            {kinds.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>{' '}
        <span class="count">
          {shown.length} of {log.length} events
          {model.passedOver > 0 && `, and ${model.passedOver} more that came too fast`}
        </span>
      </p>
      <Rows entries={shown} />
    </>
  )
}

/** Only the rows that can be seen are drawn. */
function Rows({ entries }: { readonly entries: readonly LogEntry[] }) {
  const [top, setTop] = useState(0)
  const frame = useRef<HTMLDivElement>(null)
  const height = frame.current?.clientHeight ?? 600
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS)
  const last = Math.ceil((top + height) / ROW_PX) + SPARE_ROWS
  return (
    <section
      class="log"
      aria-label="Events"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard
      tabIndex={0}
      ref={frame}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
    >
      <ol style={{ height: `${entries.length * ROW_PX}px` }}>
        {entries.slice(first, last).map((entry, index) => (
          <li key={entry.seq} style={{ top: `${(first + index) * ROW_PX}px` }}>
            <time>{showTime(entry.atMs)}</time>
            <span class={`kind ${entry.kind}`}>{entry.kind}</span>
            <span class="who">{entry.node ?? 'etcd'}</span>
            <span class="path">{entry.path}</span>
            <span class="details">{entry.details}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

function matches(entry: LogEntry, node: string, path: string, kind: string): boolean {
  return (
    (entry.node ?? 'etcd').includes(node) &&
    entry.path.includes(path) &&
    (kind === '' || entry.kind === kind)
  )
}
