import { createContext } from 'preact'
import { useContext, useEffect, useReducer } from 'preact/hooks'
import type { Connection } from './connection.js'
import type { Model } from './model.js'

/** Often enough for a countdown, and seldom enough for a thousand nodes. */
const REDRAW_EVERY_MS = 100

export interface Live {
  readonly model: Model
  readonly connection: Connection
}

export const LiveContext = createContext<Live | null>(null)

/** The model; draws again when it has changed, and, if `isTicking`, as time goes by. */
export function useModel(isTicking = false): Live {
  const live = useContext(LiveContext)
  if (live === null) throw new Error('a view needs a LiveContext around it')
  const { model } = live
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    let due: number | undefined
    let drawnAt = Number.NEGATIVE_INFINITY
    // What comes after a while is drawn at once: whoever opens the page waits for nothing else.
    const soon = () => {
      const inMs = drawnAt + REDRAW_EVERY_MS - performance.now()
      due ??= window.setTimeout(
        () => {
          due = undefined
          drawnAt = performance.now()
          redraw(undefined)
        },
        Math.max(0, inMs),
      )
    }
    const unsubscribe = model.subscribe(soon)
    const tick = isTicking ? window.setInterval(soon, REDRAW_EVERY_MS) : undefined
    return () => {
      unsubscribe()
      window.clearTimeout(due)
      window.clearInterval(tick)
    }
  }, [model, isTicking])
  return live
}
