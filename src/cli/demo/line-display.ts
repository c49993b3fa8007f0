import type { Demo } from './demo.js'
import type { Display } from './display.js'
import { type DemoEvent, formatEvent } from './event.js'

/** One line for each event, for output that is not a terminal. */
export class LineDisplay implements Display {
  readonly #write: (line: string) => void
  readonly #remark: (line: string) => void

  /** `remark` takes what is no event. */
  constructor(write: (line: string) => void, remark: (line: string) => void) {
    this.#write = write
    this.#remark = remark
  }

  open(_demo: Demo, url: string | null): void {
    if (url !== null) this.#remark(`locked: the dashboard is at ${url}`)
  }

  tell(event: DemoEvent): void {
    this.#write(formatEvent(event))
  }

  rest(): void {}

  close(): void {}
}
