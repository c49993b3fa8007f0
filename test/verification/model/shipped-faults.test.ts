import { checkShipped, NO_OPERATORS } from './shipped.js'

checkShipped([
  {
    name: 'junk, revoked leases and compacted histories',
    bounds: { values: 1, changes: 2, late: 0, junk: true, revokes: true },
  },
  {
    name: 'deposed raft leaders, exceptions and restored actors',
    bounds: {
      ...NO_OPERATORS,
      values: 1,
      changes: 1,
      late: 0,
      renewals: true,
      exceptions: true,
      snapshots: true,
    },
  },
  {
    name: 'replaced histories and late requests, where the store has no candidates',
    bounds: { ...NO_OPERATORS, values: 1, changes: 1, late: 1, resets: true, candidates: false },
  },
  {
    name: 'replaced histories',
    bounds: { ...NO_OPERATORS, values: 1, changes: 1, late: 0, resets: true },
  },
])
