import { randomBytes } from 'node:crypto'
import type { InspectionEvent, Observer } from 'xstate'
import type { Inspect } from '../node-types.js'
import { contained } from './contained.js'

/** What XState tells of an actor. */
type ActorRefLike = InspectionEvent['actorRef']

/** Tells this process from others, also after a process id has come round again. */
const PROCESS = `${process.pid}-${randomBytes(4).toString('hex')}`

/** The actors of this process, as an inspector sees them. */
const views = new WeakMap<ActorRefLike, ActorRefLike>()

/** The session id of an actor that no actor of another process has. */
export function uniqueSessionId(sessionId: string): string {
  return `${PROCESS}:${sessionId}`
}

/**
 * Passes XState’s inspection events on. XState numbers its actors from `x:0` in every process, so that
 * a viewer of two processes would take their actors for the same: here every session id names the
 * process as well. Apart from that an actor is the running one. What an inspector throws would end the
 * actor that it looks at, or leave it standing still: it is contained.
 */
export function withUniqueSessions(inspects: readonly Inspect[]): Observer<InspectionEvent> {
  return {
    next(event) {
      const unique = {
        ...event,
        rootId: uniqueSessionId(event.rootId),
        actorRef: viewOf(event.actorRef),
      }
      if ('sourceRef' in unique && unique.sourceRef) unique.sourceRef = viewOf(unique.sourceRef)
      for (const inspect of inspects) {
        contained('inspect', () =>
          typeof inspect === 'function' ? inspect(unique) : inspect.next?.(unique),
        )
      }
    },
  }
}

function viewOf(actor: ActorRefLike): ActorRefLike {
  const known = views.get(actor)
  if (known !== undefined) return known
  const parent = '_parent' in actor && isActor(actor._parent) ? viewOf(actor._parent) : undefined
  const view: ActorRefLike = Object.create(actor, {
    sessionId: { value: uniqueSessionId(actor.sessionId), enumerable: true },
    _parent: { value: parent },
  })
  views.set(actor, view)
  return view
}

function isActor(given: unknown): given is ActorRefLike {
  return typeof given === 'object' && given !== null && 'sessionId' in given
}
