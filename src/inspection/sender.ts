import type { ClientRequest } from 'node:http'
import type { WebSocket } from 'ws'
import type { InspectionEvent } from 'xstate'
import { backoff } from '../../machines/backoff.js'
import { debug } from '../debug.js'
import { parseJson } from '../json.js'
import { load } from '../load.js'
import { contained } from '../onlookers/contained.js'
import { inspectionAddress } from './address.js'
import { lookUp } from './lookup.js'
import {
  type ControlMessage,
  DEEPEST_MESSAGE,
  type InspectionMessage,
  messageOf,
  type OfferMessage,
} from './message.js'

const BACKOFF = { firstMs: 500, longestMs: 5_000 }
/** Of ws. The types that it has leave `closeTimeout` out. */
const CLIENT_OPTIONS = {
  handshakeTimeout: 5_000,
  /** So long, in milliseconds, the other side has to end a connection that it has said it closes. */
  closeTimeout: 250,
  /** Little that is compressed may become much. */
  perMessageDeflate: false,
  /** In bytes. All that is ever received is which action of which actor to take. */
  maxPayload: 64 * 1_024,
  lookup: lookUp,
  /** No process that has nothing else to do waits for a viewer, whatever that answers or does not. */
  finishRequest(request: ClientRequest) {
    request.on('socket', (connection) => connection.unref())
    request.end()
  },
}
/** What has not been taken by the other side; beyond that it is told anew what stands, instead of everything. */
const MOST_BUFFERED_BYTES = 8_000_000

/** An actor that has not ended. One that nobody holds on to any more is gone as well. */
interface Known {
  readonly rootId: string
  readonly actor: WeakRef<InspectionEvent['actorRef']>
}

interface Offer {
  readonly message: OfferMessage
  readonly act: (action: string) => void
}

/**
 * Sends what can be inspected in this process to a dashboard, or to another viewer, at `url`. It
 * connects again for as long as the process lives, and then tells first what each actor is at; it
 * never keeps the process, and whatever happens to the connection costs the election nothing.
 */
export class InspectionSender {
  readonly #address: URL
  /** By their session ids, of which none comes twice. */
  readonly #actors = new Map<string, Known>()
  readonly #offers = new Map<string, Offer>()
  readonly #collected = new FinalizationRegistry((sessionId: string) => this.#forget(sessionId))
  #isBegun = false
  #socket: WebSocket | null = null
  #isOpen = false
  #attempt = 0

  constructor(address: URL) {
    this.#address = address
  }

  /** Lets the viewer act on an actor, if it lets its user do so. */
  offer(sessionId: string, actions: readonly string[], act: (action: string) => void): void {
    const offer = { message: { type: 'locked.offer', sessionId, actions }, act } as const
    this.#offers.set(sessionId, offer)
    if (this.#isOpen) this.#send(offer.message)
  }

  readonly inspect = (event: InspectionEvent): void => {
    const { rootId, actorRef } = event
    const { sessionId } = actorRef
    if (event.type === '@xstate.actor') {
      this.#actors.set(sessionId, { rootId, actor: new WeakRef(actorRef) })
      this.#collected.register(actorRef, sessionId)
    }
    if (!this.#isBegun) this.#begin()
    if (this.#isOpen) this.#tell(event)
    if (event.type === '@xstate.snapshot' && event.snapshot.status !== 'active') {
      this.#forget(sessionId)
    }
  }

  #forget(sessionId: string): void {
    this.#actors.delete(sessionId)
    this.#offers.delete(sessionId)
  }

  #begin(): void {
    this.#isBegun = true
    contained('inspect', async () => {
      const { WebSocket: Client } = await load('ws')
      this.#connect(Client)
    })
  }

  #connect(Client: typeof WebSocket): void {
    const socket = new Client(this.#address, CLIENT_OPTIONS)
    this.#socket = socket
    socket.on('open', () => {
      this.#attempt = 0
      this.#isOpen = true
      for (const known of this.#actors.values()) this.#tellStanding(known)
      for (const { message } of this.#offers.values()) this.#send(message)
    })
    socket.on('message', (data) => this.#take(String(data)))
    socket.on('error', (error) => {
      debug('inspection: %s: %s', this.#address.origin, error.message)
      // Nothing more is to come of it.
      socket.terminate()
    })
    socket.on('close', () => {
      this.#isOpen = false
      this.#attempt += 1
      setTimeout(() => this.#connect(Client), backoff(this.#attempt, BACKOFF)).unref()
    })
  }

  #take(text: string): void {
    const given = parseJson(text, DEEPEST_MESSAGE)
    if (!isControl(given)) return
    const offer = this.#offers.get(given.sessionId)
    if (offer?.message.actions.includes(given.action)) offer.act(given.action)
  }

  /** An actor of the app’s own may be at something that cannot be written as JSON. */
  #tell(event: InspectionEvent): void {
    contained('inspect', () => this.#send(messageOf(event)))
  }

  /** What a new viewer is told of it: the message of a new actor, as the actor is now. */
  #tellStanding({ rootId, actor }: Known): void {
    const actorRef = actor.deref()
    if (actorRef === undefined) return
    contained('inspect', () => {
      const message = messageOf({ type: '@xstate.actor', rootId, actorRef })
      if (message?.type === '@xstate.actor') {
        this.#send({ ...message, snapshot: actorRef.getSnapshot() })
      }
    })
  }

  #send(message: InspectionMessage | OfferMessage | null): void {
    if (message === null || this.#socket === null) return
    // A viewer that reads too slowly is left, and told anew what stands when it is there again.
    if (this.#socket.bufferedAmount > MOST_BUFFERED_BYTES) this.#socket.terminate()
    else this.#socket.send(JSON.stringify(message))
  }
}

function isControl(given: unknown): given is ControlMessage {
  return (
    typeof given === 'object' &&
    given !== null &&
    Reflect.get(given, 'type') === 'locked.control' &&
    typeof Reflect.get(given, 'sessionId') === 'string' &&
    typeof Reflect.get(given, 'action') === 'string'
  )
}

let sender: InspectionSender | null = null

/**
 * The sender that `LOCKED_INSPECT=ws://…` asks for, one for the process; `undefined` if it is not set.
 *
 * @throws RangeError when it is set, and is no WebSocket’s address.
 */
export function senderFromEnvironment(): InspectionSender | undefined {
  const url = process.env.LOCKED_INSPECT
  if (!url) return undefined
  sender ??= new InspectionSender(inspectionAddress(url))
  return sender
}
