import type { Demo } from './demo.js'
import type { DemoEvent } from './event.js'

/** Shows a demo to its user. */
export interface Display {
  open(demo: Demo): void
  tell(event: DemoEvent): void
  /** Takes no more input, and leaves the terminal as it was found; events are still shown. */
  rest(): void
  /** Shows how it ended. */
  close(): void
}
