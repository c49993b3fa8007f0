import { connect } from 'node:net'
import { PATIENCE_MS } from '../patience.js'

/** A WebSocket's request, as it stands on the wire. */
export function upgradeRequest(path: string, host: string, ...headers: readonly string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '\r\n',
  ].join('\r\n')
}

/** Resolves with what is answered to these bytes, once the other side has closed the connection. */
export function exchange(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
    })
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`still open; came: ${answer}`)))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(answer)
      else reject(error)
    })
    socket.on('close', () => resolve(answer))
  })
}

/** When a connection is reset. */
export type Moment = 'before writing' | 'after writing' | 'when answered' | 'half closed'

/**
 * Writes these, one after the other, and resets the connection then. Resolves once it is gone, with what
 * was answered until then.
 */
export function abandon(port: number, parts: readonly Buffer[], moment: Moment): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, async () => {
      for (const part of moment === 'before writing' ? [] : parts) {
        await new Promise((written) => socket.write(part, written))
      }
      if (moment === 'half closed') socket.end()
      else if (moment !== 'when answered') socket.resetAndDestroy()
    })
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
      if (moment === 'when answered') socket.resetAndDestroy()
    })
    // What is half a request gets no answer for a long time.
    socket.setTimeout(300, () => socket.resetAndDestroy())
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })
}
