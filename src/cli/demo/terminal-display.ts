import type { ReadStream, WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { Demo } from './demo.js'
import type { Display } from './display.js'
import { type DemoEvent, formatEvent } from './event.js'
import { readKeys } from './keys.js'
import { Screen } from './screen.js'
import { type Paint, pad, renderTable } from './table.js'

const REDRAW_EVERY_MS = 200
const LOG_LENGTH = 12
const KEYS = '1-3 choose  s stop  t start  f freeze/thaw  k kill  h hand over  q quit'

/** The table, redrawn in place, with the latest events below it and keys to interfere. */
export class TerminalDisplay implements Display {
  readonly #input: ReadStream
  readonly #screen: Screen
  readonly #paint: Paint
  readonly #quit: AbortController
  #demo: Demo | null = null
  #url: string | null = null
  #chosen = 0
  #log: readonly string[] = []
  #footer = KEYS
  #redraw: NodeJS.Timeout | undefined
  #leaveKeys: () => void = () => undefined

  constructor(input: ReadStream, output: WriteStream, quit: AbortController) {
    this.#input = input
    this.#screen = new Screen(output)
    this.#paint = output.hasColors() ? styleText : (_format, text) => text
    this.#quit = quit
  }

  open(demo: Demo, url: string | null): void {
    this.#demo = demo
    this.#url = url
    this.#screen.open()
    this.#leaveKeys = readKeys(this.#input, (key) => this.#press(key, demo))
    this.#redraw = setInterval(() => this.#draw(), REDRAW_EVERY_MS)
  }

  tell(event: DemoEvent): void {
    this.#log = [...this.#log, formatEvent(event)].slice(-LOG_LENGTH)
    this.#draw()
  }

  rest(): void {
    this.#leaveKeys()
    clearInterval(this.#redraw)
    this.#screen.close()
    this.#footer = 'stopping'
    this.#draw()
  }

  close(): void {
    this.#footer = 'stopped'
    this.#draw()
  }

  #press(key: string, demo: Demo): void {
    const node = demo.nodes[this.#chosen]
    switch (key) {
      case 's':
        node?.stop()
        break
      case 't':
        node?.start()
        break
      case 'f':
        node?.freezeOrThaw()
        break
      case 'k':
        node?.kill()
        break
      case 'h':
        demo.transfer()
        break
      case 'q':
      case 'ctrl-c':
        this.#quit.abort()
        return
      default:
        if (demo.nodes[Number(key) - 1] !== undefined) this.#chosen = Number(key) - 1
    }
    this.#draw()
  }

  #draw(): void {
    if (this.#demo === null) return
    const { columns, rows } = this.#screen
    const table = renderTable(this.#demo.view(), this.#chosen, columns, this.#paint)
    const where =
      this.#url === null
        ? []
        : [this.#paint('dim', pad(`dashboard ${this.#url}`, columns).trimEnd())]
    const footer = ['', ...where, this.#paint('dim', this.#footer), '']
    const room = Math.max(0, rows - 1 - table.length - footer.length)
    const log = this.#log.slice(Math.max(0, this.#log.length - room))
    this.#screen.draw([...table, ...footer, ...log.map((line) => pad(line, columns).trimEnd())])
  }
}
