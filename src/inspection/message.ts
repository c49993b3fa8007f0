import type { InspectionEvent } from 'xstate'
import { DEEPEST_VALUE } from '../json.js'

/**
 * What travels on a WebSocket: the messages of @statelyai/inspect, so that its viewers understand
 * ours, and our dashboard understands its inspector.
 */
export type InspectionMessage = ActorMessage | EventMessage | SnapshotMessage

interface Common {
  readonly sessionId: string
  readonly rootId?: string | undefined
  /** When it was sent, in milliseconds since 1970, as text. */
  readonly createdAt: string
  /** The version of @statelyai/inspect whose messages these are. */
  readonly _version: string
}

export interface ActorMessage extends Common {
  readonly type: '@xstate.actor'
  readonly name: string
  readonly parentId?: string | undefined
  /** The statechart, or for a service its name, as JSON. */
  readonly definition: string
  readonly snapshot: unknown
}

export interface EventMessage extends Common {
  readonly type: '@xstate.event'
  readonly sourceId?: string | undefined
  readonly event: { readonly type: string }
}

export interface SnapshotMessage extends Common {
  readonly type: '@xstate.snapshot'
  readonly event: { readonly type: string }
  readonly snapshot: unknown
}

/** Our own, beside those: what a viewer may do to an actor, if it lets its user do so. */
export interface OfferMessage {
  readonly type: 'locked.offer'
  readonly sessionId: string
  readonly actions: readonly string[]
}

/** What a viewer asks to be done. */
export interface ControlMessage {
  readonly type: 'locked.control'
  readonly sessionId: string
  readonly action: string
}

/** How deep a message may be nested: as a value, and what it stands in. */
export const DEEPEST_MESSAGE = DEEPEST_VALUE + 20

const VERSION = '0.7.2'

/** An inspection event as a message; `null` for those that no viewer asks for. */
export function messageOf(event: InspectionEvent): InspectionMessage | null {
  const { rootId, actorRef } = event
  const common = {
    sessionId: actorRef.sessionId,
    rootId,
    createdAt: String(Date.now()),
    _version: VERSION,
  }
  switch (event.type) {
    case '@xstate.actor':
      // It is told before the actor has its first snapshot.
      return { type: event.type, ...common, ...partsOf(actorRef), snapshot: { status: 'active' } }
    case '@xstate.event':
      return {
        type: event.type,
        ...common,
        sourceId: event.sourceRef?.sessionId,
        event: event.event,
      }
    case '@xstate.snapshot':
      return { type: event.type, ...common, event: event.event, snapshot: event.snapshot }
    default:
      return null
  }
}

function partsOf(actor: object): Pick<ActorMessage, 'name' | 'parentId' | 'definition'> {
  const parent: unknown = Reflect.get(actor, '_parent')
  const logic: unknown = Reflect.get(actor, 'logic')
  const name = String(Reflect.get(actor, 'id'))
  const config: unknown = isObject(logic) ? Reflect.get(logic, 'config') : null
  return {
    name,
    parentId: isObject(parent) ? String(Reflect.get(parent, 'sessionId')) : undefined,
    definition: isObject(config)
      ? JSON.stringify(config, withoutFunctions)
      : JSON.stringify({ id: name }),
  }
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null
}

/** A function in a statechart’s definition is told by its name. */
function withoutFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? { type: value.name } : value
}
