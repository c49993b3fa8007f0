import type { Demo } from './demo.js'
import type { DemoEvent } from './event.js'

/** Shows a demo to its user. */
export interface Display {
  /** `url` is where the demo’s dashboard is served, if it is. */
  open(demo: Demo, url: string | null): void
  tell(event: DemoEvent): void
  /** Takes no more input, and leaves the terminal as it was found; events are still shown. */
  rest(): void
  /** Shows how it ended. */
  close(): void
}
