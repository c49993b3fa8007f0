import { UnreachableError } from '../../../errors.js'

/** The answer, if it comes within `timeoutMs`; rejects with UnreachableError otherwise. */
export function within<T>(timeoutMs: number, doing: string, answering: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new UnreachableError(`${doing}: no answer within ${Math.round(timeoutMs)} ms`))
    const timer = setTimeout(late, Math.max(0, timeoutMs))
    answering.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
