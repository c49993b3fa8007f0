import type { WebSocket } from 'ws'

/** More than the largest message: whoever has not read that much reads nothing. */
const MOST_BUFFERED_BYTES = 32_000_000

/** Sends text to whoever reads, and leaves whoever does not, however often it makes us answer. */
export function send(socket: WebSocket, text: string): void {
  if (socket.bufferedAmount > MOST_BUFFERED_BYTES) socket.terminate()
  else socket.send(text)
}
