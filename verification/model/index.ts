/** The model checker of the election: every interleaving of a few nodes on one path. */
export { type Bounds, describeBounds, THREE_NODE_WORLDS, TWO_NODE_WORLDS } from './bounds.js'
export {
  type CheckModelOptions,
  type Counterexample,
  checkModel,
  formatCounterexample,
  formatModelReport,
  type ModelReport,
} from './check.js'
export { type Laws, TRUE_LAWS } from './faults.js'
export { VARIANT_BOUNDS, VARIANTS, type Variant } from './mutants.js'
export type { ViolationKind } from './properties.js'
export type { StepName } from './step.js'
export type { Trace } from './trace.js'
