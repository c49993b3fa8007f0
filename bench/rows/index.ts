import type { Row } from '../row.js'
import { atRest } from './at-rest.js'
import { crowd } from './crowd.js'
import { firstNode } from './first-node.js'
import { growth } from './growth.js'
import { handover, handoverToNew } from './handover.js'
import { importing } from './importing.js'
import { manyPaths } from './many-paths.js'
import { memory } from './memory.js'
import { nextNode } from './next-node.js'
import { takeoverAfterDeath, takeoverAfterStop } from './takeover.js'

/** The rows of the comparison, in the order of the table. */
export const ROWS: readonly Row[] = [
  importing,
  firstNode,
  nextNode,
  handover,
  handoverToNew,
  manyPaths,
  atRest,
  takeoverAfterStop,
  takeoverAfterDeath,
  crowd,
  memory,
  growth,
]
