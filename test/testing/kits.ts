/** What makes paths of a machine: XState itself, and the packages that people have from before it did. */
import { createRequire } from 'node:module'
import { createTestModel as createTestModelOfGraph } from '@xstate/graph'
import { createTestMachine, createTestModel as createTestModelOfTest } from '@xstate/test'
import {
  type AnyStateMachine,
  createMachine,
  type EventFromLogic,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate'
import { createTestModel, type TestModel, type TestModelOptions } from 'xstate/graph'

/** What all of them have. */
export interface Kit {
  readonly name: string
  readonly createMachine: typeof createMachine
  createTestModel<Machine extends AnyStateMachine>(
    machine: Machine,
    options?: Partial<
      TestModelOptions<SnapshotFrom<Machine>, EventFromLogic<Machine>, InputFrom<Machine>>
    >,
  ): Pick<
    TestModel<SnapshotFrom<Machine>, EventFromLogic<Machine>, unknown>,
    'getShortestPaths' | 'getSimplePaths'
  >
}

const require = createRequire(import.meta.url)

export const KITS: readonly Kit[] = [
  { name: 'xstate/graph', createMachine, createTestModel },
  { name: nameOf('@xstate/graph'), createMachine, createTestModel: createTestModelOfGraph },
  {
    name: nameOf('@xstate/test'),
    // The types of both are those of XState 5.5.
    createMachine: createTestMachine as unknown as typeof createMachine,
    createTestModel: createTestModelOfTest as unknown as Kit['createTestModel'],
  },
]

function nameOf(kit: string): string {
  return `${kit} ${require(`${kit}/package.json`).version}`
}
