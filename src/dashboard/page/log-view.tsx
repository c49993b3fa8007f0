import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ALL_BUT_RENEWED, isSought, NO_FILTER, STORE } from '../log-filter.js'
import type { LogEntry } from '../protocol.js'
import { showTime } from './format.js'
import { useModel } from './use-model.js'
import { isNarrow, useSize } from './use-size.js'

const ROW_PX = 24
/** How high a row is whose second line holds details in two lines. */
const NARROW_ROW_PX = 64
/** Rows drawn above and below what can be seen. */
const SPARE_ROWS = 10
/** Longer than any kind, and than most paths. */
const LONGEST_FILTER = 1_000

const AT_FIRST = { ...NO_FILTER, kind: ALL_BUT_RENEWED }

/** What happened, the latest first, filtered by node, path and kind. */
export function LogView() {
  const { model, connection } = useModel()
  const [filter, setFilter] = useState(AT_FIRST)
  const { log, kinds } = model
  const isSearch =
    filter.node !== '' || filter.path !== '' || !['', ALL_BUT_RENEWED].includes(filter.kind)
  const shown = useMemo(
    () => log.filter((entry) => isSought(entry, filter)).reverse(),
    [log, filter],
  )
  // There may be so many others that those which are sought would not even come here.
  useEffect(() => connection.lookFor(filter), [connection, filter])
  useEffect(() => () => connection.lookFor(NO_FILTER), [connection])
  return (
    <>
      <p class="tools">
        <label>
          Node{' '}
          <input
            type="search"
            maxLength={LONGEST_FILTER}
            value={filter.node}
            onInput={(e) => setFilter({ ...filter, node: e.currentTarget.value })}
          />
        </label>{' '}
        <label>
          Path{' '}
          <input
            type="search"
            maxLength={LONGEST_FILTER}
            value={filter.path}
            onInput={(e) => setFilter({ ...filter, path: e.currentTarget.value })}
          />
        </label>{' '}
        <label>
          Kind{' '}
          <select
            value={filter.kind}
            onChange={(e) => setFilter({ ...filter, kind: e.currentTarget.value })}
          >
            <option value={ALL_BUT_RENEWED}>all but renewed</option>
            <option value="">all</option>
            {[...kinds].sort().map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>{' '}
        <span class="count">
          {shown.length} {isSearch && 'such '}
          {shown.length === 1 ? 'event' : 'events'}
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
  const size = useSize(frame)
  const rowPx = isNarrow(size) ? NARROW_ROW_PX : ROW_PX
  const first = Math.max(0, Math.floor(top / rowPx) - SPARE_ROWS)
  const last = Math.ceil((top + size.height) / rowPx) + SPARE_ROWS
  return (
    <section
      class={isNarrow(size) ? 'log narrow' : 'log'}
      aria-label="Events"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard
      tabIndex={0}
      ref={frame}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
    >
      <ol style={{ height: `${entries.length * rowPx}px` }}>
        {entries.slice(first, last).map((entry, index) => (
          <li
            key={entry.seq}
            style={{ top: `${(first + index) * rowPx}px`, height: `${rowPx}px` }}
            title={entry.details === '' ? undefined : entry.details}
          >
            <time>{showTime(entry.atMs)}</time>
            <span class={`kind ${entry.kind}`}>{entry.kind}</span>
            <span class="who">{entry.node ?? STORE}</span>
            <span class="path">{entry.path}</span>
            <span class="details">{entry.details}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
