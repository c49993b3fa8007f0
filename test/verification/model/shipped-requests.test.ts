import { checkShipped, NO_OPERATORS } from './shipped.js'

const LATE = { values: 1, changes: 1, late: 1, lateEntries: false } as const

// Crashes and deleted records together, and more of both: `npm run model`.
checkShipped([
  {
    name: 'late requests and crashes',
    bounds: { ...LATE, crashes: true, deletes: false, junk: false },
  },
  {
    name: 'late requests and deleted records',
    bounds: { ...LATE, crashes: false, deletes: true, junk: false },
  },
  {
    name: 'late requests of candidates, leaders told to hand over, and claims that are shared',
    bounds: {
      ...NO_OPERATORS,
      values: 1,
      changes: 1,
      late: 1,
      lateEntries: true,
      transfers: true,
      shares: true,
    },
  },
  {
    name: 'writes and guarded transactions of earlier reigns, while the path is handed to and fro',
    bounds: {
      ...NO_OPERATORS,
      values: 1,
      changes: 1,
      late: 1,
      lateEntries: false,
      stops: false,
      transfers: true,
      repeats: true,
      guards: true,
    },
  },
  { name: 'values that change', bounds: { ...NO_OPERATORS, values: 2, changes: 1, late: 0 } },
])
