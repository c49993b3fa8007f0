import { emitKeypressEvents, type Key } from 'node:readline'
import type { ReadStream } from 'node:tty'

/**
 * Calls `pressed` with the name of each key; Ctrl-C comes as `ctrl-c`. Returns the function that
 * gives the terminal back. An input that is not a terminal is left alone.
 */
export function readKeys(input: ReadStream, pressed: (key: string) => void): () => void {
  if (!input.isTTY) return () => undefined
  const listen = (text: string | undefined, { ctrl, name }: Key) => {
    pressed(ctrl ? `ctrl-${name}` : (name ?? text ?? ''))
  }
  emitKeypressEvents(input)
  input.setRawMode(true)
  input.on('keypress', listen)
  input.resume()
  return () => {
    input.off('keypress', listen)
    input.setRawMode(false)
    input.pause()
  }
}
