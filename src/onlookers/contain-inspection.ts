import type { ElectionActor } from '../../machines/election.js'
import { contained } from './contained.js'

const systems = new WeakSet<object>()

/**
 * Contains what the inspectors of an app’s own actor system throw, from now on. XState lets it out of
 * wherever it has come to: out of a service of ours, whose event is then lost, or out of the actor’s
 * mailbox, which then stands still for ever, and the actor with it, as leader perhaps.
 */
export function containInspection({ system }: ElectionActor): void {
  if (systems.has(system)) return
  systems.add(system)
  // It is not among XState’s types, and there is no other way to it.
  const tell: unknown = Reflect.get(system, '_sendInspectionEvent')
  if (typeof tell !== 'function') return
  Reflect.set(system, '_sendInspectionEvent', (event: unknown) =>
    contained('inspect', () => tell(event)),
  )
}
