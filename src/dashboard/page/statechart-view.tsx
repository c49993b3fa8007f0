import { useEffect, useState } from 'preact/hooks'
import type { NodeNow } from '../protocol.js'
import { showDuration, showValue } from './format.js'
import { StateBadge } from './now-view.js'
import {
  type Layout,
  loadLayout,
  type PlacedState,
  type PlacedTransition,
} from './statechart-layout.js'
import { useModel } from './use-model.js'

/** For how long a transition is shown as just taken. */
const JUST_MS = 2_500

/** The statechart, and where one node is in it. */
export function StatechartView() {
  const { model } = useModel(true)
  const [chosen, choose] = useState('')
  const [layout, setLayout] = useState<Layout | null>(null)
  useEffect(() => {
    void loadLayout().then(setLayout)
  }, [])
  const nodes = [...model.nodes.values()].sort(byName)
  const node = nodes.find(({ key }) => key === chosen) ?? nodes[0]
  if (layout === null) return <p class="empty">Loading the statechart.</p>
  return (
    <>
      <p class="tools">
        <label>
          Node{' '}
          <select value={node?.key} onChange={(e) => choose(e.currentTarget.value)}>
            {nodes.length === 0 && <option>no node is inspected</option>}
            {nodes.map(({ key, path, id }) => (
              <option key={key} value={key}>
                {path} {id}
              </option>
            ))}
          </select>
        </label>
      </p>
      {node === undefined ? (
        <p class="empty">
          No process sends its inspection events. Start one with{' '}
          <code>LOCKED_INSPECT={inspectUrl()}</code> in its environment.
        </p>
      ) : (
        <Facts node={node} />
      )}
      <Chart layout={layout} node={node} />
    </>
  )
}

function inspectUrl(): string {
  return new URL('inspect', location.href.replace(/^http/, 'ws').replace(/#.*/, '')).href
}

function Facts({ node }: { readonly node: NodeNow }) {
  const { model } = useModel(true)
  const { value, step, sinceMs, token, validUntilMs } = node
  const isKnown = model.isKnown(node.source)
  const nowMs = model.nowMs()
  const leftMs = validUntilMs === null ? null : Math.max(0, validUntilMs - nowMs)
  return (
    <dl class={isKnown ? 'facts' : 'facts unknown'}>
      <dt>State</dt>
      <dd>
        <StateBadge node={node} model={model} />{' '}
        {isKnown
          ? `${node.state}, for ${showDuration(nowMs - sinceMs)}`
          : 'its process is not connected'}
      </dd>
      <dt>Value</dt>
      <dd>{showValue(value)}</dd>
      <dt>Token</dt>
      <dd>{token ?? 'none'}</dd>
      <dt>Latest</dt>
      <dd>{step === null ? 'none' : `${step.event}: ${step.from} → ${step.to}`}</dd>
      <dt>Validity left</dt>
      <dd class="validity">
        {leftMs === null ? (
          'no renewal seen yet'
        ) : (
          <>
            <meter min={0} max={Math.max(10_000, leftMs)} value={leftMs} />{' '}
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
  return (
    <div class="chart">
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
            key={`${transition.source} ${transition.label} ${transition.target}`}
            transition={transition}
            isTaken={isTaken(transition, node)}
            isJust={isJust}
          />
        ))}
      </svg>
    </div>
  )
}

function State({
  state,
  node,
}: {
  readonly state: PlacedState
  readonly node: NodeNow | undefined
}) {
  const { path, name, description, services, inner, x, y, width, height, isLeaf } = state
  const isActive = node !== undefined && isWithin(node.state, path)
  const latest = node?.step
  return (
    <g
      class={`state ${path.split('.')[0]} ${isActive ? 'active' : ''} ${isLeaf ? 'leaf' : ''}`}
      data-state={path}
    >
      <title>{description}</title>
      <rect x={x} y={y} width={width} height={height} rx={8} />
      <text class="name" x={x + 12} y={y + 21}>
        {name}
      </text>
      {services.map((service, index) => (
        <text class="service" key={service} x={x + 12} y={y + 39 + index * 18}>
          {service}
        </text>
      ))}
      {inner.map(({ event }, index) => (
        <text
          class={latest?.event === event && isActive ? 'inner taken' : 'inner'}
          // The same event may be told apart by its guard.
          key={`${event} ${index}`}
          x={x + 12}
          y={y + 39 + (services.length + index) * 18}
        >
          {event}
        </text>
      ))}
    </g>
  )
}

interface TransitionProps {
  readonly transition: PlacedTransition
  readonly isTaken: boolean
  readonly isJust: boolean
}

function Transition({ transition, isTaken, isJust }: TransitionProps) {
  const { points, label, labelAt, description } = transition
  return (
    <g class={`transition ${isTaken ? 'taken' : ''} ${isTaken && isJust ? 'just' : ''}`}>
      <title>{description}</title>
      <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} marker-end="url(#arrow)" />
      <text x={labelAt.x} y={labelAt.y + 4}>
        {label}
      </text>
    </g>
  )
}

function isTaken({ event, source, target }: PlacedTransition, node: NodeNow | undefined): boolean {
  const step = node?.step
  if (!step) return false
  const isEvent =
    step.event === event || (event.startsWith('after ') && step.event.startsWith('xstate.after.'))
  return isEvent && isWithin(step.from, source) && isWithin(step.to, target)
}

/** Whether a node in `state` is in the state at `path` as well. */
function isWithin(state: string, path: string): boolean {
  return state === path || state.startsWith(`${path}.`)
}

function byName(a: NodeNow, b: NodeNow): number {
  return a.path.localeCompare(b.path) || a.id.localeCompare(b.id)
}
