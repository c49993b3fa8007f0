import { request } from 'node:http'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Board } from '../../src/dashboard/board.js'
import type { ServerMessage } from '../../src/dashboard/protocol.js'
import { Dashboard, type DashboardSettings } from '../../src/dashboard/server.js'

const PAGE = new URL('../../dist/src/dashboard/page/', import.meta.url)
/** A dashboard that knows nothing yet, in this process, until the test has finished. */
export async function openDashboard(more: Partial<DashboardSettings> = {}) {
  const board = new Board()
  const settings = { board, title: 'a test', host: '127.0.0.1', port: 0, page: PAGE }

  const dashboard = await Dashboard.open({ ...settings, ...more })
  onTestFinished(async () => {
    board.close()
    await dashboard.close()
  })
  return { board, dashboard, port: Number(new URL(dashboard.url).port) }
}

export interface Answer {
  readonly status: number | undefined
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

export function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
) {
  return new Promise<Answer>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body })
      })
    })
    asked.on('error', reject).end()
  })
}

/** What a WebSocket's request is answered with, and what it is told until it is closed. */
export function open(port: number, path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
  onTestFinished(() => socket.terminate())
  const messages: ServerMessage[] = []
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)))
    socket.send(JSON.stringify({ type: 'taken' }))
  })
  const answer = new Promise<number>((resolve) => {
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', () => undefined)
  })
  return { socket, messages, answer }
}
