import { checkShipped, NO_OPERATORS } from './shipped.js'

checkShipped([
  {
    name: 'late requests, crashes and deleted records',
    bounds: { values: 1, changes: 1, late: 1, lateEntries: false, junk: false },
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
