import type { Display } from './display.js'
import { type DemoEvent, formatEvent } from './event.js'

/** One line for each event, for output that is not a terminal. */
export class LineDisplay implements Display {
  readonly #write: (line: string) => void

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  open(): void {}

  tell(event: DemoEvent): void {
    this.#write(formatEvent(event))
  }

  rest(): void {}

  close(): void {}
}
