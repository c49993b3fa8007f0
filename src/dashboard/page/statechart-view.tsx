import { useEffect, useRef, useState } from 'preact/hooks'
import type { NodeNow } from '../protocol.js'
import { showDuration, showValue } from './format.js'
import { StateBadge } from './now-view.js'
import {
  type Cause,
  type Layout,
  loadLayout,
  type PlacedState,
  type PlacedTransition,
} from './statechart-layout.js'
import { useModel } from './use-model.js'
import { useSize } from './use-size.js'

const LINE = 20
const LABEL_LINE = 16
const LABEL_PADDING = 4
/** For how long a transition is shown as just taken. */
const JUST_MS = 2_500
/** So many nodes can be chosen from at a time; of more, one says which are meant. */
const MOST_OFFERED = 100

/** The statechart, and where one node is in it. */
export function StatechartView() {
  const { model } = useModel(true)
  const [chosen, choose] = useState('')
  const [filter, setFilter] = useState('')
  const [layout, setLayout] = useState<Layout | null>(null)
  useEffect(() => {
    void loadLayout().then(setLayout)
  }, [])
  const nodes = [...model.nodes.values()].sort(byName)
  const sought = nodes.filter(({ path, id }) => `${path} ${id}`.includes(filter))
  const node = sought.find(({ key }) => key === chosen) ?? sought[0]
  const first = sought.slice(0, MOST_OFFERED)
  const offered = node === undefined || first.includes(node) ? first : [node, ...first]
  if (layout === null) return <p class="empty">Loading the statechart.</p>
  return (
    <>
      <p class="tools">
        {nodes.length > MOST_OFFERED && (
          <label>
            Find{' '}
            <input type="search" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
          </label>
        )}
        <label>
          Node{' '}
          <select value={node?.key} onChange={(e) => choose(e.currentTarget.value)}>
            {sought.length === 0 && (
              <option>{nodes.length === 0 ? 'no node is inspected' : 'no such node'}</option>
            )}
            {offered.map(({ key, path, id }) => (
              <option key={key} value={key}>
                {path} {id}
              </option>
            ))}
          </select>
        </label>
        {sought.length > offered.length && (
          <span class="count">and {sought.length - offered.length} more</span>
        )}
      </p>
      {nodes.length === 0 ? (
        <p class="empty">
          No process sends its inspection events. Start one with{' '}
          <code>LOCKED_INSPECT={inspectUrl()}</code> in its environment.
        </p>
      ) : (
        node !== undefined && <Facts node={node} layout={layout} />
      )}
      <Chart layout={layout} node={node} />
    </>
  )
}

function inspectUrl(): string {
  return new URL('inspect', location.href.replace(/^http/, 'ws').replace(/#.*/, '')).href
}

interface FactsProps {
  readonly node: NodeNow
  readonly layout: Layout
}

function Facts({ node, layout }: FactsProps) {
  const { model } = useModel(true)
  const { value, step, sinceMs, token, validUntilMs } = node
  const isKnown = model.isKnown(node.source)
  const nowMs = model.nowMs()
  const leftMs = validUntilMs === null ? null : Math.max(0, validUntilMs - nowMs)
  const placed = layout.states.find(({ path }) => path === node.state)
  return (
    <dl class={isKnown ? 'facts' : 'facts unknown'}>
      <dt>State</dt>
      <dd>
        <StateBadge node={node} model={model} />{' '}
        {isKnown
          ? `${node.state}, for ${showDuration(nowMs - sinceMs)}`
          : 'its process is not connected'}
        {isKnown && placed?.description && <div class="meaning">{placed.description}</div>}
      </dd>
      <dt>Value</dt>
      <dd>{showValue(value)}</dd>
      <dt>Token</dt>
      <dd>{token ?? 'only the leader has one'}</dd>
      <dt>Latest</dt>
      <dd>{step === null ? 'none' : `${step.event}: ${step.from} → ${step.to}`}</dd>
      <dt>Validity left</dt>
      <dd class="validity">
        {leftMs === null ? (
          'no renewal seen yet'
        ) : (
          <>
            <meter
              aria-label="Validity left"
              min={0}
              max={Math.max(10_000, leftMs)}
              value={leftMs}
            />{' '}
            {(leftMs / 1_000).toFixed(1)} s
          </>
        )}
      </dd>
    </dl>
  )
}

interface ChartProps {
  readonly layout: Layout
  readonly node: NodeNow | undefined
}

function Chart({ layout, node }: ChartProps) {
  const { model } = useModel(true)
  const isKnown = node !== undefined && model.isKnown(node.source)
  const isJust = isKnown && model.nowMs() - node.sinceMs < JUST_MS
  const frame = useRef<HTMLElement>(null)
  const { width, height } = useSize(frame)
  const active = isKnown ? node.state : null
  useEffect(() => {
    if (frame.current !== null) bringIntoSight(frame.current, active)
  }, [node?.key, active, width, height])
  return (
    <section
      class="chart"
      aria-label="Statechart"
      ref={frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard
      tabIndex={0}
    >
      <svg
        viewBox={`-8 -8 ${layout.width + 16} ${layout.height + 16}`}
        role="img"
        aria-label={isKnown ? `Statechart; active: ${node.state}` : 'Statechart'}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" />
          </marker>
        </defs>
        {layout.states.map((state) => (
          <State key={state.path} state={state} node={isKnown ? node : undefined} />
        ))}
        {layout.transitions.map((transition) => (
          <Transition
            key={`${transition.source} ${transition.target}`}
            transition={transition}
            taken={causeTaken(transition, isKnown ? node : undefined)}
            isJust={isJust}
          />
        ))}
      </svg>
    </section>
  )
}

/** Scrolls the chart to the state at `path`, unless that can be seen. */
function bringIntoSight(frame: HTMLElement, path: string | null): void {
  const state = [...frame.querySelectorAll('[data-state]')].find(
    (one) => one.getAttribute('data-state') === path,
  )
  if (state === undefined) return
  const [seen, wanted] = [frame.getBoundingClientRect(), state.getBoundingClientRect()]
  const isSeen =
    wanted.left >= seen.left &&
    wanted.right <= seen.right &&
    wanted.top >= seen.top &&
    wanted.bottom <= seen.bottom
  if (isSeen) return
  frame.scrollBy({
    left: (wanted.left + wanted.right - seen.left - seen.right) / 2,
    top: (wanted.top + wanted.bottom - seen.top - seen.bottom) / 2,
  })
}

function State({
  state,
  node,
}: {
  readonly state: PlacedState
  readonly node: NodeNow | undefined
}) {
  const { path, name, description, services, inner, x, y, width, height, textX, isLeaf } = state
  const isActive = node !== undefined && isWithin(node.state, path)
  const latest = node?.latest
  return (
    <g
      class={`state ${path.split('.')[0]} ${isActive ? 'active' : ''} ${isLeaf ? 'leaf' : ''}`}
      data-state={path}
    >
      <title>{description}</title>
      <rect x={x} y={y} width={width} height={height} rx={8} />
      <text class="name" x={textX} y={y + 22}>
        {name}
      </text>
      {services.map((service, index) => (
        <text class="service" key={service} x={textX} y={y + 41 + index * LINE}>
          {service}
        </text>
      ))}
      {inner.map(({ event }, index) => (
        <text
          class={latest === event && isActive ? 'inner taken' : 'inner'}
          // The same event may be told apart by its guard.
          key={`${event} ${index}`}
          x={textX}
          y={y + 41 + (services.length + index) * LINE}
        >
          {event}
        </text>
      ))}
    </g>
  )
}

interface TransitionProps {
  readonly transition: PlacedTransition
  /** Which of its causes was the latest transition of the node. */
  readonly taken: Cause | undefined
  readonly isJust: boolean
}

function Transition({ transition, taken, isJust }: TransitionProps) {
  const { points, causes, label } = transition
  const middle = label.x + label.width / 2
  const before = causes.map((_, index) =>
    causes.slice(0, index).reduce((sum, { lines }) => sum + lines.length, 0),
  )
  const state = taken === undefined ? '' : isJust ? 'taken just' : 'taken'
  return (
    <g class={`transition ${state}`}>
      <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} marker-end="url(#arrow)" />
      <rect
        class="plate"
        x={label.x}
        y={label.y}
        width={label.width}
        height={label.height}
        rx={4}
      />
      {causes.map((cause, index) => (
        <text key={cause.lines.join()} class={cause === taken ? 'cause taken' : 'cause'}>
          <title>{cause.description}</title>
          {cause.lines.map((line, at) => (
            <tspan
              key={line}
              x={middle}
              y={label.y + LABEL_PADDING + 12 + ((before[index] ?? 0) + at) * LABEL_LINE}
            >
              {line}
            </tspan>
          ))}
        </text>
      ))}
    </g>
  )
}

function causeTaken(
  { causes, source, target }: PlacedTransition,
  node: NodeNow | undefined,
): Cause | undefined {
  const step = node?.step
  if (!step || !isWithin(step.from, source) || !isWithin(step.to, target)) return undefined
  const event = step.event.startsWith('xstate.after.') ? 'after' : step.event
  return causes.find(
    (cause) => cause.event === event || (event === 'after' && /^after /.test(cause.event)),
  )
}

/** Whether a node in `state` is in the state at `path` as well. */
function isWithin(state: string, path: string): boolean {
  return state === path || state.startsWith(`${path}.`)
}

function byName(a: NodeNow, b: NodeNow): number {
  return a.path.localeCompare(b.path) || a.id.localeCompare(b.id)
}
