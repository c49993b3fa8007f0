// Lays the statechart out, from the machine itself, for the dashboard to draw: where each state and
// each transition goes.

import Elk from 'elkjs'
import { guardOf } from './mermaid.mjs'

// How wide a character is drawn at most, in the widest font that is likely: names are bold.
const NAME_CHARACTER = 10
const CHARACTER = 8.6
const LABEL_CHARACTER = 8.4
const LINE = 20
const LABEL_LINE = 16
const LABEL_PADDING = 4
const PADDING = 12
const LAYOUT = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '7',
  'elk.layered.spacing.edgeNodeBetweenLayers': '7',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeEdge': '9',
  'elk.spacing.edgeNode': '9',
  'elk.layered.edgeLabels.centerLabelPlacementStrategy': 'SPACE_EFFICIENT_LAYER',
}

/** In the middle of its own arrow, with room of its own, which no other arrow takes. */
const ON_ITS_ARROW = { 'elk.edgeLabels.inline': 'true' }

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
  const transitions = edges.map((edge) => routed(edge, places))
  return {
    width,
    height,
    states: drawn.map((state) => ({ ...state, textX: textXOf(state, transitions) })),
    transitions,
  }
}

function shapeOf(state) {
  const children = Object.values(state.states)
  const inner = innerOf(state)
  const services = servicesOf(state)
  const textWidth = Math.max(
    state.key.length * NAME_CHARACTER,
    ...[...services, ...inner.map(({ event }) => event)].map((line) => line.length * CHARACTER),
  )
  const width = textWidth + 2 * PADDING
  const head = LINE * (1 + services.length + inner.length) + PADDING
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
      services,
      inner,
      textWidth,
      head,
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
    const causes = transitions.map(causeOf)
    const lines = causes.flatMap((cause) => cause.lines)
    const longest = Math.max(...lines.map((line) => line.length))
    return {
      id: `${source} ${target}`,
      sources: [source],
      targets: [target],
      labels: [
        {
          text: lines.join(),
          width: longest * LABEL_CHARACTER + 2 * LABEL_PADDING,
          height: lines.length * LABEL_LINE + 2 * LABEL_PADDING,
          layoutOptions: ON_ITS_ARROW,
        },
      ],
      drawn: { source, target, causes },
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

function causeOf(transition) {
  return {
    event: eventOf(transition),
    lines: linesOf(transition),
    description: transition.description ?? '',
  }
}

/** The event, and the guard if there is one, a line for each of its parts: in one they would be very long. */
function linesOf(transition) {
  const { guard } = transition
  const event = eventOf(transition)
  if (guard === undefined) return [event]
  const [first, ...more] = `[${guardOf(guard)}]`.split(' and ')
  return [`${event} ${first}`, ...more.map((part) => `and ${part}`)]
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
    label: { ...at({ x, y }), width: round(width), height: round(height) },
  }
}

/**
 * Where the lines of a state begin: on the left, unless an arrow into one of its children passes
 * there. Then they begin to the right of it.
 */
function textXOf({ x, y, width, textWidth, head, isLeaf }, transitions) {
  const leftmost = x + PADDING
  if (isLeaf) return leftmost
  const passing = transitions
    .flatMap(({ points }) => points.slice(1).map((to, index) => [points[index], to]))
    .filter(([from, to]) => from.x === to.x && from.x > x && from.x < x + width)
    .filter(([from, to]) => Math.min(from.y, to.y) < y + head && Math.max(from.y, to.y) > y)
    .map(([from]) => from.x)
    .sort((one, other) => one - other)
  const begins = [leftmost, ...passing.map((at) => at + PADDING)]
  const isFree = (from) => !passing.some((at) => at > from - PADDING && at < from + textWidth)
  return begins.find((from) => isFree(from) && from + textWidth <= x + width) ?? leftmost
}

function round(value) {
  return Math.round(value * 10) / 10
}
