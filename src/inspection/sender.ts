import { createRequire } from 'node:module'
import type { WebSocket } from 'ws'
import type { InspectionEvent } from 'xstate'
import { backoff } from '../../machines/backoff.js'
import { debug } from '../debug.js'
import { parseJson } from '../json.js'
import { contained } from '../onlookers/contained.js'
import {
  type ControlMessage,
  DEEPEST_MESSAGE,
  type InspectionMessage,
  messageOf,
  type OfferMessage,
} from './message.js'

const require = createRequire(import.meta.url)

const BACKOFF = { firstMs: 500, longestMs: 5_000 }
const HANDSHAKE_WITHIN_MS = 5_000
/** What has not been taken by the other side; beyond that it is told anew what stands, instead of everything. */
const MOST_BUFFERED_BYTES = 8_000_000

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
  readonly #url: string
  /** Of each actor that has not been stopped, the event that told of it. */
  readonly #actors = new Map<string, InspectionEvent>()
  readonly #offers = new Map<string, Offer>()
  #socket: WebSocket | null = null
  #isOpen = false
  #attempt = 0

  constructor(url: string) {
    this.#url = url
  }

  /** Lets the viewer act on an actor, if it lets its user do so. */
  offer(sessionId: string, actions: readonly string[], act: (action: string) => void): void {
    const offer = { message: { type: 'locked.offer', sessionId, actions }, act } as const
    this.#offers.set(sessionId, offer)
    if (this.#isOpen) this.#send(offer.message)
  }

  readonly inspect = (event: InspectionEvent): void => {
    const { sessionId } = event.actorRef
    if (event.type === '@xstate.actor') this.#actors.set(sessionId, event)
    if (this.#socket === null) this.#connect()
    if (this.#isOpen) this.#tell(event)
    if (event.type === '@xstate.snapshot' && event.snapshot.status !== 'active') {
      this.#actors.delete(sessionId)
    }
  }

  #connect(): void {
    // Loaded when it is needed: importing `locked` must not load it.
    const { WebSocket: Client }: typeof import('ws') = require('ws')
    const socket = new Client(this.#url, { handshakeTimeout: HANDSHAKE_WITHIN_MS })
    this.#socket = socket
    socket.on('upgrade', (response) => response.socket.unref())
    socket.on('open', () => {
      this.#attempt = 0
      this.#isOpen = true
      for (const event of this.#actors.values()) this.#tell(event, standingOf)
      for (const { message } of this.#offers.values()) this.#send(message)
    })
    socket.on('message', (data) => this.#take(String(data)))
    socket.on('error', (error) => debug('inspection: %s: %s', this.#url, error.message))
    socket.on('close', () => {
      this.#isOpen = false
      this.#attempt += 1
      setTimeout(() => this.#connect(), backoff(this.#attempt, BACKOFF)).unref()
    })
  }

  #take(text: string): void {
    const given = parseJson(text, DEEPEST_MESSAGE)
    if (!isControl(given)) return
    const offer = this.#offers.get(given.sessionId)
    if (offer?.message.actions.includes(given.action)) offer.act(given.action)
  }

  /** An actor of the app’s own may be at something that cannot be written as JSON. */
  #tell(event: InspectionEvent, read = messageOf): void {
    contained('inspect', () => this.#send(read(event)))
  }

  #send(message: InspectionMessage | OfferMessage | null): void {
    if (message === null || this.#socket === null) return
    // A viewer that reads too slowly is left, and told anew what stands when it is there again.
    if (this.#socket.bufferedAmount > MOST_BUFFERED_BYTES) this.#socket.terminate()
    else this.#socket.send(JSON.stringify(message))
  }
}

/** The message of a new actor, as the actor is now. */
function standingOf(event: InspectionEvent): InspectionMessage | null {
  const message = messageOf(event)
  if (message?.type !== '@xstate.actor') return message
  return { ...message, snapshot: event.actorRef.getSnapshot() }
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
  if (!/^wss?:\/\/./.test(url)) {
    throw new RangeError(
      `LOCKED_INSPECT: expected a WebSocket address such as ws://127.0.0.1:4100/inspect, was given ${JSON.stringify(url)}`,
    )
  }
  sender ??= new InspectionSender(url)
  return sender
}
