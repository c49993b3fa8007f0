import { isError } from './errors.js'
import { shown } from './shown.js'

/** An error may be its own cause, or have no end of them. */
const DEEPEST = 10

/**
 * What a client of a server has thrown, with what a terminal would obey escaped in its texts, and in those of
 * its causes: Node.js prints them as they stand where nobody catches an error that has them as its cause.
 */
export function shownCause<Thrown>(thrown: Thrown): Thrown {
  show(thrown, DEEPEST)
  return thrown
}

function show(thrown: unknown, levels: number): void {
  if (!isError(thrown) || levels === 0) return
  for (const name of ['name', 'message', 'stack'] as const) {
    const text = thrown[name]
    // One that is frozen stays as it is.
    if (typeof text === 'string' && shown(text) !== text) Reflect.set(thrown, name, shown(text))
  }
  show(thrown.cause, levels - 1)
  const { errors }: Partial<AggregateError> = thrown
  if (Array.isArray(errors)) for (const one of errors) show(one, levels - 1)
}
