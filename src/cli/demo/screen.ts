import type { WriteStream } from 'node:tty'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const WRAP_OFF = '\x1b[?7l'
const WRAP_ON = '\x1b[?7h'
const CLEAR = '\x1b[H\x1b[2J'
const CLEAR_LINE = '\x1b[2K'
const CLEAR_BELOW = '\x1b[J'

/** Lines in a terminal that are drawn over and over in the same place. */
export class Screen {
  readonly #output: WriteStream
  #height = 0
  readonly #clear = () => {
    // The terminal has moved the lines about.
    this.#height = 0
    this.#output.write(CLEAR)
  }

  readonly #restore = () => {
    this.#output.write(SHOW_CURSOR + WRAP_ON)
  }

  constructor(output: WriteStream) {
    this.#output = output
  }

  /** Some terminals do not tell their size. */
  get columns(): number {
    return this.#output.columns || 80
  }

  get rows(): number {
    return this.#output.rows || 24
  }

  /** Hides the cursor until `close`, or until the process ends, however it does. */
  open(): void {
    this.#output.write(HIDE_CURSOR)
    this.#output.on('resize', this.#clear)
    process.on('exit', this.#restore)
  }

  /** Shows these lines, as far as there is room, in place of those before. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows - 1)
    const back = this.#height === 0 ? '\r' : `\r\x1b[${this.#height}A`
    const text = shown.map((line) => `${CLEAR_LINE}${line}\r\n`).join('')
    this.#output.write(WRAP_OFF + back + text + CLEAR_BELOW + WRAP_ON)
    this.#height = shown.length
  }

  close(): void {
    this.#output.off('resize', this.#clear)
    process.off('exit', this.#restore)
    this.#restore()
  }
}
