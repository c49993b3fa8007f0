import fc from 'fast-check'
import { deep, json } from './anything.js'

/** Messages as a process might send them to a dashboard, as JSON: of nodes, mostly, and of all shapes. */
export function inspectionMessage(sessionIds: readonly string[] = ['s']): fc.Arbitrary<string> {
  const types = ['"@xstate.actor"', '"@xstate.event"', '"@xstate.snapshot"', '"locked.offer"', '0']
  const part = fc.oneof(
    { weight: 3, arbitrary: json },
    { weight: 3, arbitrary: fc.constantFrom('"leader"', '"1700000000000"') },
    deep,
  )
  const object = (...names: readonly string[]) =>
    fc.record(Object.fromEntries(names.map((name) => [name, part]))).map(
      (members) =>
        `{${Object.entries(members)
          .map(([k, v]) => `"${k}":${v}`)
          .join()}}`,
    )
  return fc
    .record({
      type: fc.constantFrom(...types, ...types.slice(0, 3)),
      sessionId: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...sessionIds.map((id) => JSON.stringify(id))) },
        json,
      ),
      createdAt: fc.oneof({ weight: 4, arbitrary: fc.constant('"1700000000000"') }, part),
      actions: json,
      event: fc.oneof(object('type', 'holder', 'value', 'error', 'validityMs'), json),
      snapshot: fc.oneof(
        fc
          .tuple(object('path', 'id', 'instance', 'value', 'holder'), part, json)
          .map(
            ([context, value, status]) =>
              `{"context":${context},"value":${value},"status":${status}}`,
          ),
        fc
          .tuple(part, part)
          .map(
            ([value, token]) =>
              `{"context":{"path":"/p","id":"a","instance":"i","value":${value},"holder":{"token":${token},"value":${value}}},"value":"leader"}`,
          ),
        json,
      ),
    })
    .map(
      (members) =>
        `{${Object.entries(members)
          .map(([k, v]) => `"${k}":${v}`)
          .join()}}`,
    )
}
