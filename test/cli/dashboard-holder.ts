import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { PathHolder, ServerMessage } from '../../src/dashboard/protocol.js'
import type { RunningCommand } from './command.js'

/**
 * Whom a page of that dashboard shows as the path's holder; `null` while it is vacant, and `undefined`
 * while it says nothing of it.
 */
export async function holderShownBy(
  command: RunningCommand,
  path: string,
): Promise<() => PathHolder | null | undefined> {
  const [, address = ''] = await command.untilMatch(/dashboard is at http:\/\/([^/\s]+)/)
  const socket = new WebSocket(`ws://${address}/live`)
  onTestFinished(() => socket.terminate())
  let shown: PathHolder | null | undefined
  socket.on('message', (data) => {
    const { paths }: ServerMessage = JSON.parse(String(data))
    const found = paths.find((one) => one.path === path)
    if (found !== undefined) shown = found.holder
    socket.send(JSON.stringify({ type: 'taken' }))
  })
  return () => shown
}
