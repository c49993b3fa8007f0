import { electionMachine } from '../../machines/election.js'
import { type Bounds, describeBounds, TWO_NODES } from './bounds.js'
import { Chart } from './chart.js'
import { explore } from './explore.js'
import { type Laws, TRUE_LAWS } from './faults.js'
import { findTrap } from './liveness.js'
import type { ViolationKind } from './properties.js'
import type { Setting } from './tell.js'
import { type Trace, traceTo } from './trace.js'
import type { Machine } from './world.js'

/** What is explored, and of which machine. */
export interface CheckModelOptions {
  /** What is explored; two nodes with all their faults if not given. */
  readonly bounds?: Partial<Bounds>
  /** The machine that is checked; the shipped one if not given. */
  readonly machine?: Machine
  /** Laws of the environment that are not the true ones. */
  readonly laws?: Partial<Laws>
  /** The search is given up at this many states. */
  readonly mostStates?: number
  /** Called from time to time with how many states are known, and how many of them explored. */
  readonly onProgress?: (states: number, explored: number) => void
}

/** A shortest way to what must not be. */
export interface Counterexample extends Trace {
  readonly kind: ViolationKind
}

/** What an exploration found. */
export interface ModelReport {
  readonly bounds: Bounds
  readonly states: number
  readonly transitions: number
  /** How many steps the farthest state is away from the first. */
  readonly depth: number
  /** How many different transitions of the machine it took, each of which XState has worked out once. */
  readonly machineTransitions: number
  /** Whether every reachable state was seen. */
  readonly complete: boolean
  readonly tookMs: number
  /** A shortest way to what must not be, or `null`. */
  readonly counterexample: Counterexample | null
}

/**
 * Explores every reachable combination of some nodes on one path, within `bounds`, and checks what
 * the election promises: see `ViolationKind`. The machine is run by XState itself. A report without
 * a counterexample is a proof for these bounds if it is `complete`, and for this environment.
 */
export function checkModel({
  bounds: someBounds = {},
  machine = electionMachine,
  laws: someLaws = {},
  mostStates = 20_000_000,
  onProgress,
}: CheckModelOptions = {}): ModelReport {
  const startedAt = performance.now()
  const bounds: Bounds = { ...TWO_NODES, ...someBounds }
  assertBounds(bounds)
  const laws: Laws = { ...TRUE_LAWS, ...someLaws }
  const chart = new Chart(machine)
  const { changes, late, lateEntries, resets, exceptions, snapshots } = bounds
  const asksLast = !exceptions && !snapshots
  const setting: Setting = {
    chart,
    laws,
    changes,
    late,
    lateEntries,
    hasCandidates: bounds.candidates,
    sharesClaims: bounds.shares,
    answersAtOnce: asksLast && !resets,
    asksLast,
  }
  const exploration = explore({ bounds, setting, mostStates, onProgress })
  const { violation, complete, table, transitions, depth } = exploration
  const found = violation ?? (complete ? findTrap(exploration) : null)
  return {
    bounds,
    states: table.size,
    transitions,
    depth,
    machineTransitions: chart.size,
    complete: complete && violation === null,
    counterexample:
      found === null
        ? null
        : { kind: found.kind, ...traceTo(found.world, exploration, bounds, setting) },
    tookMs: performance.now() - startedAt,
  }
}

function assertBounds({ nodes, values, changes, late }: Bounds): void {
  const within = (name: string, value: number, least: number, most: number) => {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
    }
  }
  within('nodes', nodes, 1, 3)
  within('values', values, 1, 2)
  within('changes', changes, 1, 4)
  within('late', late, 0, 3)
}

/** A report as text, for people. */
export function formatModelReport(report: ModelReport): string {
  const { bounds, states, transitions, depth, machineTransitions, complete, tookMs } = report
  const lines = [
    `${states.toLocaleString('en')} states, ${transitions.toLocaleString('en')} transitions, at most ${depth} steps deep, in ${(tookMs / 1000).toFixed(1)} s${complete ? ', complete' : ', not complete'}`,
    `bounds: ${describeBounds(bounds)}`,
    `${machineTransitions.toLocaleString('en')} different transitions of the machine, each by XState once`,
  ]
  const { counterexample } = report
  if (counterexample === null) {
    lines.push(complete ? 'no violation' : 'no violation so far')
  } else {
    lines.push(formatCounterexample(counterexample))
  }
  return lines.join('\n')
}

const AFTERWARDS: Partial<Record<ViolationKind, string>> = {
  stuck: 'From here on no leader can come, even if nothing fails any more.',
  restless: 'From here on leaders can come and go for ever, even if nothing fails any more.',
}

/** The counterexample as text, one line for each step. */
export function formatCounterexample({ kind, steps, end }: Counterexample): string {
  const numbered = steps.map((step, index) => `${String(index + 1).padStart(4)}. ${step}`)
  const indented = end.split('\n').map((line) => `      ${line}`)
  const rest = AFTERWARDS[kind]
  return [
    `${kind}, after ${steps.length} steps:`,
    ...numbered,
    ...indented,
    ...(rest === undefined ? [] : [`      ${rest}`]),
  ].join('\n')
}
