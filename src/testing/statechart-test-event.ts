import type { ElectionEvent } from '../../machines/election.js'

/** What moves the statechart: what it is told, and the end of a delay. */
export type StatechartTestEvent =
  | ElectionEvent
  | { readonly type: 'backoff' }
  | { readonly type: 'courtesy' }
  | { readonly type: 'untilListed' }
  | { readonly type: 'untilChosen' }

/** What an event cannot do without. */
const CARRIED: Readonly<Record<StatechartTestEvent['type'], readonly string[]>> = {
  start: [],
  stop: [],
  transfer: ['to'],
  propose: ['value'],
  workFailed: ['error'],
  won: ['holder', 'validityMs'],
  held: ['holder', 'revision', 'lease'],
  entered: ['value', 'lease', 'revision'],
  cleared: [],
  failed: ['error'],
  refused: ['error'],
  changed: ['holder', 'revision'],
  vacated: ['revision'],
  renewed: ['validityMs'],
  expired: [],
  opened: [],
  reset: [],
  restored: [],
  retrying: ['error', 'attempt'],
  proposed: ['value', 'revision'],
  reignOver: [],
  valueRefused: ['error'],
  drained: ['waiting'],
  listed: ['waiting'],
  checked: ['instance', 'isOverdue'],
  handedOver: [],
  declined: [],
  withdrawn: [],
  deleted: [],
  released: [],
  settled: [],
  backoff: [],
  courtesy: [],
  untilListed: [],
  untilChosen: [],
}

/** Throws a TypeError if the event lacks something. Test models make events up that have nothing but a type. */
export function assertWhole(event: StatechartTestEvent): void {
  const missing = CARRIED[event.type]?.filter((name) => !(name in event)) ?? []
  if (missing.length === 0) return
  throw new TypeError(
    `statechartTestMachine: the event ${event.type} needs ${missing.join(' and ')}. ` +
      'Give the events that can come to getShortestPaths or getSimplePaths: ' +
      'createTestModel makes up those that it is not given',
  )
}
