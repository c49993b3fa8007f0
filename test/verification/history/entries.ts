import type { HistoryEntry } from '../../../verification/history/history.js'

export const path = '/leader'

/** Entries of one node, which has a process of its own. */
export const on = (node: string) => {
  const common = (at: number) => ({ at, path, node, process: `process of ${node}` })
  return {
    start: (at: number, value: unknown = node): HistoryEntry => ({
      ...common(at),
      kind: 'start',
      id: node,
      value,
    }),
    stop: (at: number): HistoryEntry => ({ ...common(at), kind: 'stop' }),
    propose: (at: number, value: unknown): HistoryEntry => ({
      ...common(at),
      kind: 'propose',
      value,
    }),
    select: (at: number, token: number | string | bigint): HistoryEntry => ({
      ...common(at),
      kind: 'select',
      token,
      value: node,
      id: node,
    }),
    deselect: (at: number): HistoryEntry => ({
      ...common(at),
      kind: 'deselect',
      reason: 'expired',
    }),
    change: (
      at: number,
      revision: number | string,
      value: unknown,
      nodeid: string | null,
      token: number | string | null = null,
    ): HistoryEntry => ({ ...common(at), kind: 'change', value, nodeid, token, revision }),
    led: (since: number, at: number): HistoryEntry => ({
      ...common(at),
      kind: 'sample',
      isLeader: true,
      since,
    }),
    didNotLead: (at: number): HistoryEntry => ({ ...common(at), kind: 'sample', isLeader: false }),
    stall: (since: number, at: number): HistoryEntry => ({ ...common(at), kind: 'stall', since }),
    awake: (since: number, at: number): HistoryEntry => ({ ...common(at), kind: 'awake', since }),
    exit: (at: number): HistoryEntry => ({ ...common(at), kind: 'exit' }),
    vacant: (at: number): HistoryEntry => ({ ...common(at), kind: 'vacant' }),
    replaced: (since: number, at: number): HistoryEntry => ({
      ...common(at),
      kind: 'replaced',
      since,
    }),
    wrote: (at: number, value: unknown, id: string | null): HistoryEntry => ({
      ...common(at),
      kind: 'wrote',
      value,
      id,
    }),
  }
}

export const a = on('a')
export const b = on('b')
export const operator = on('operator')

/** The same entry on another path. */
export const elsewhere = (entry: HistoryEntry): HistoryEntry => ({ ...entry, path: '/elsewhere' })
