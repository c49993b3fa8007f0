import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { describeSpan, LABEL_PX, placeOf, ROW_PX } from './bars.js'
import { exportSvg } from './export-svg.js'
import { showDuration, showSummary, showTime } from './format.js'
import { beganAtMs, type Lane, lanesOf, type Span, seamsOf, spansOf, summaryOf } from './lanes.js'
import type { Model } from './model.js'
import { useModel } from './use-model.js'
import { isNarrow, useSize } from './use-size.js'

const SPARE_ROWS = 6
const SHORTEST_MS = 500
const LONGEST_MS = 6 * 3_600_000
/** What is shown at first, unless less is known. */
const FIRST_MS = 60_000

/** A row for each path and node, coloured by state: a gap or an overlap of leaders is seen at a glance. */
export function TimeView() {
  const [pausedAt, setPausedAt] = useState<number | null>(null)
  const { model } = useModel(pausedAt === null)
  const [chosenMs, setChosenMs] = useState<number | null>(null)
  const [filter, setFilter] = useState('')
  const toMs = pausedAt ?? model.nowMs()
  const knownMs = toMs - beganAtMs(model)
  const spanMs = chosenMs ?? Math.min(FIRST_MS, Math.max(SHORTEST_MS, knownMs))
  const fromMs = toMs - spanMs
  const zoom = (factor: number) =>
    setChosenMs((ms) => Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (ms ?? spanMs) * factor)))
  const pan = (share: number) => setPausedAt(Math.min(model.nowMs(), toMs + share * spanMs))
  const all = useMemo(() => lanesOf(model), [model, model.pathsVersion])
  const lanes = useMemo(
    () => all.filter(({ path, label }) => `${path} ${label}`.includes(filter)),
    [all, filter],
  )
  const press = (event: KeyboardEvent) => {
    const acts: Record<string, () => void> = {
      '+': () => zoom(1 / 1.5),
      '-': () => zoom(1.5),
      ArrowLeft: () => pan(-0.1),
      ArrowRight: () => pan(0.1),
      ' ': () => setPausedAt(pausedAt === null ? model.nowMs() : null),
    }
    const act = acts[event.key]
    if (act === undefined || !(event.target instanceof HTMLElement)) return
    if (event.target.closest('input, button')) return
    event.preventDefault()
    act()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are a shortcut for the buttons
    <div class="time" onKeyDown={press}>
      <p class="tools">
        <label>
          Lane{' '}
          <input type="search" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
        </label>{' '}
        <span class="together">
          <Tool name="Zoom in" shortcut="+" onClick={() => zoom(1 / 1.5)}>
            +
          </Tool>
          <Tool name="Zoom out" shortcut="-" onClick={() => zoom(1.5)}>
            −
          </Tool>
          <Tool name="Earlier" shortcut="ArrowLeft" onClick={() => pan(-0.25)}>
            ←
          </Tool>
          <Tool name="Later" shortcut="ArrowRight" onClick={() => pan(0.25)}>
            →
          </Tool>
        </span>
        <span class="together">
          <button
            type="button"
            aria-keyshortcuts="Space"
            onClick={() => setPausedAt(pausedAt === null ? model.nowMs() : null)}
          >
            {pausedAt === null ? 'Pause' : 'Go on'}
          </button>
          <button type="button" onClick={() => exportSvg(model, lanes, fromMs, toMs)}>
            Export SVG
          </button>
        </span>{' '}
        <span class="count">
          {showTime(fromMs)} to {showTime(toMs)}, {showDuration(spanMs)}
        </span>
      </p>
      <Legend />
      {lanes.length === 0 ? (
        <p class="empty">No path and no node is known yet.</p>
      ) : (
        <Lanes model={model} lanes={lanes} fromMs={fromMs} toMs={toMs} onZoom={zoom} />
      )}
    </div>
  )
}

interface ToolProps {
  readonly name: string
  /** The key that does the same. */
  readonly shortcut: string
  readonly onClick: () => void
  readonly children: string
}

function Tool({ name, shortcut, onClick, children }: ToolProps) {
  return (
    <button
      type="button"
      aria-label={name}
      title={name}
      aria-keyshortcuts={shortcut}
      onClick={onClick}
    >
      {children}
    </button>
  )
}

function Legend() {
  const states = 'held vacant leader follower campaigning stopped killed unknown'.split(' ')
  return (
    <ul class="legend" aria-label="Colours">
      {states.map((state) => (
        <li key={state}>
          <svg width="14" height="12" aria-hidden="true">
            <rect class={`span ${state}`} width="14" height="12" rx="2" />
          </svg>{' '}
          {state}
        </li>
      ))}
      <li>
        <svg width="6" height="14" aria-hidden="true">
          <line class="seam" x1="3" x2="3" y1="0" y2="14" />
        </svg>{' '}
        handed over
      </li>
    </ul>
  )
}

interface LanesProps {
  readonly model: Model
  readonly lanes: readonly Lane[]
  readonly fromMs: number
  readonly toMs: number
  readonly onZoom: (factor: number) => void
}

/** Only the rows that can be seen are drawn. */
function Lanes({ model, lanes, fromMs, toMs, onZoom }: LanesProps) {
  const frame = useRef<HTMLElement>(null)
  const [top, setTop] = useState(0)
  const size = useSize(frame)
  useEffect(() => {
    const { current } = frame
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      onZoom(event.deltaY > 0 ? 1.2 : 1 / 1.2)
    }
    current?.addEventListener('wheel', wheel, { passive: false })
    return () => current?.removeEventListener('wheel', wheel)
  })
  // Beside its label a lane would have no room there.
  const isAbove = isNarrow(size)
  const labelPx = isAbove ? 0 : Math.max(260, Math.min(400, size.width / 4))
  const barsPx = Math.max(100, size.width - labelPx - (isAbove ? 16 : 8))
  const rowPx = isAbove ? ROW_PX + LABEL_PX : ROW_PX
  const first = Math.max(0, Math.floor(top / rowPx) - SPARE_ROWS)
  const last = Math.ceil((top + size.height) / rowPx) + SPARE_ROWS
  const nowMs = model.isConnected ? model.nowMs() : (model.lostAtMs ?? model.nowMs())
  const xOf = (atMs: number) => ((atMs - fromMs) / (toMs - fromMs)) * barsPx
  return (
    <section
      class={isAbove ? 'lanes narrow' : 'lanes'}
      aria-label="Lanes"
      ref={frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard
      tabIndex={0}
      onScroll={(e) => setTop(e.currentTarget.scrollTop)}
    >
      <div class="rows" style={{ height: `${lanes.length * rowPx}px` }}>
        {lanes.slice(first, last).map((lane, index) => {
          const spans = spansOf(model, lane, fromMs, toMs, nowMs)
          return (
            <div
              class={lane.isPath ? 'row of-path' : 'row'}
              key={lane.key}
              data-lane={lane.key}
              style={{ top: `${(first + index) * rowPx}px`, height: `${rowPx}px` }}
            >
              <span
                class="label"
                style={{ width: isAbove ? '100%' : `${labelPx}px` }}
                title={lane.label}
              >
                <span class="name">{lane.label}</span>
                {lane.isPath && <small>{showSummary(summaryOf(spans))}</small>}
              </span>
              <svg width={barsPx} height={ROW_PX} role="img" aria-label={describe(lane, spans)}>
                {spans.map((span) => (
                  <Bar
                    key={`${span.fromMs} ${span.state}`}
                    span={span}
                    isPath={lane.isPath}
                    xOf={xOf}
                  />
                ))}
                {lane.isPath && seamsOf(spans).map((atMs) => <Seam key={atMs} x={xOf(atMs)} />)}
              </svg>
            </div>
          )
        })}
      </div>
    </section>
  )
}

interface BarProps {
  readonly span: Span
  readonly isPath: boolean
  readonly xOf: (atMs: number) => number
}

function Bar({ span, isPath, xOf }: BarProps) {
  const x = xOf(span.fromMs)
  const width = Math.max(1, xOf(span.toMs) - x)
  const [y, height] = placeOf(span, isPath)
  return (
    <g>
      <title>{describeSpan(span)}</title>
      <rect class={`span ${span.state}`} x={x} y={y} width={width} height={height} rx={2} />
      {isPath && span.state === 'held' && width > 40 && (
        <text class="held" x={x + 5} y={17} clip-path={`inset(0 0 0 0)`}>
          {(span.id ?? 'not a record').slice(0, Math.floor((width - 8) / 7))}
        </text>
      )}
    </g>
  )
}

/** It is seen even where reigns are too short to be told apart. */
function Seam({ x }: { readonly x: number }) {
  return <line class="seam" x1={x} x2={x} y1={1} y2={ROW_PX - 1} />
}

function describe({ label, isPath }: Lane, spans: readonly Span[]): string {
  const last = spans.at(-1)
  const summary = isPath ? `; ${showSummary(summaryOf(spans))}` : ''
  return `${label}: ${last === undefined ? 'nothing known' : `now ${describeSpan(last)}`}${summary}`
}
