// Lays the statechart out, from the machine itself, for the dashboard to draw: where each state and
// each transition goes.

import Elk from 'elkjs'
import { guardOf } from './mermaid.mjs'

const CHARACTER = 8
const LINE = 20
const LABEL_LINE = 16
const PADDING = 12
const LAYOUT = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeLabel': '4',
  'elk.edgeLabels.inline': 'false',
}

/** @param {import('xstate').AnyStateMachine} machine */
export async function layoutOf(machine) {
  const states = Object.values(machine.root.states)
  const graph = {
    id: '',
    layoutOptions: LAYOUT,
    children: states.map(shapeOf),
    edges: states.flatMap(arrowsFrom),
  }
  const { children, edges, width, height } = await new Elk().layout(graph)
  const places = new Map([['', { x: 0, y: 0 }]])
  const drawn = children.flatMap((child) => placed(child, { x: 0, y: 0 }, places))
  return {
    width,
    height,
    states: drawn,
    transitions: edges.map((edge) => routed(edge, places)),
  }
}

function shapeOf(state) {
  const children = Object.values(state.states)
  const inner = innerOf(state)
  const lines = [state.key, ...servicesOf(state), ...inner.map(({ event }) => event)]
  const width = Math.max(...lines.map((line) => line.length * CHARACTER)) + 2 * PADDING + 14
  const head = LINE * lines.length + PADDING
  return {
    id: idOf(state),
    // The labels stand above the children.
    ...(children.length > 0
      ? {
          children: children.map(shapeOf),
          layoutOptions: {
            ...LAYOUT,
            'elk.padding': `[top=${head + PADDING},left=${PADDING},bottom=${PADDING},right=${PADDING}]`,
            'elk.nodeSize.constraints': 'MINIMUM_SIZE',
            'elk.nodeSize.minimum': `(${width}, ${head})`,
          },
        }
      : { width, height: head + PADDING }),
    drawn: {
      name: state.key,
      description: state.description ?? '',
      services: servicesOf(state),
      inner,
    },
  }
}

/** One arrow for all transitions from one state to another. */
function arrowsFrom(state) {
  const byTarget = new Map()
  for (const transition of transitionsOf(state)) {
    if (transition.target === undefined) continue
    const target = idOf(transition.target[0])
    byTarget.set(target, [...(byTarget.get(target) ?? []), transition])
  }
  const source = idOf(state)
  const own = [...byTarget].map(([target, transitions]) => {
    const labels = transitions.map(labelOf)
    return {
      id: `${source} ${target}`,
      sources: [source],
      targets: [target],
      labels: [
        {
          text: labels.join(),
          width: Math.max(...labels.map((label) => label.length)) * CHARACTER * 0.9,
          height: labels.length * LABEL_LINE,
        },
      ],
      drawn: {
        source,
        target,
        causes: transitions.map((transition) => ({
          event: eventOf(transition),
          label: labelOf(transition),
          description: transition.description ?? '',
        })),
      },
    }
  })
  return [...own, ...Object.values(state.states).flatMap(arrowsFrom)]
}

/** What a state does without leaving it. */
function innerOf(state) {
  return transitionsOf(state)
    .filter(({ target }) => target === undefined)
    .map((transition) => ({
      event: eventOf(transition),
      description: transition.description ?? '',
    }))
}

function transitionsOf(state) {
  return [...state.transitions.values()].flat().concat(state.always ?? [])
}

function servicesOf(state) {
  return state.invoke.map(({ id }) => `⚙ ${id}`)
}

function labelOf(transition) {
  const { guard } = transition
  const event = eventOf(transition)
  return guard === undefined ? event : `${event} [${guardOf(guard)}]`
}

function eventOf({ eventType }) {
  if (eventType === '') return 'always'
  const delayed = /^xstate\.after\.([^.]+)\./.exec(eventType)
  return delayed ? `after ${delayed[1]}` : eventType
}

function idOf(state) {
  return state.path.join('.')
}

function placed({ id, x, y, width, height, children = [], drawn }, origin, places) {
  const place = { x: origin.x + x, y: origin.y + y }
  places.set(id, place)
  const state = { path: id, ...drawn, ...place, width, height, isLeaf: children.length === 0 }
  return [state, ...children.flatMap((child) => placed(child, place, places))]
}

/** ELK gives an edge’s places relative to the state that contains both of its ends. */
function routed({ sections, labels, container, drawn }, places) {
  const origin = places.get(container ?? '') ?? { x: 0, y: 0 }
  const at = ({ x, y }) => ({ x: round(origin.x + x), y: round(origin.y + y) })
  const [{ startPoint, bendPoints = [], endPoint }] = sections
  const [{ x, y, width, height }] = labels
  return {
    ...drawn,
    points: [startPoint, ...bendPoints, endPoint].map(at),
    labelAt: at({ x: x + width / 2, y: y + height / 2 }),
  }
}

function round(value) {
  return Math.round(value * 10) / 10
}
