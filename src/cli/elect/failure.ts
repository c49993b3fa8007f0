import { getSystemErrorMap } from 'node:util'
import { errorFrom } from '../../errors.js'
import type { Failure } from './messages.js'

/** Why a command could not be spawned, by what Node.js threw or emitted for it. */
export function failureOf(thrown: unknown): Failure {
  const { message } = errorFrom(thrown)
  const code = partOf(thrown, 'code')
  const number = partOf(thrown, 'errno')
  const meaning = typeof number === 'number' ? getSystemErrorMap().get(number)?.[1] : undefined
  return {
    type: 'failed',
    code: typeof code === 'string' ? code : '',
    message: meaning === undefined ? message : `${meaning} (${code})`,
  }
}

function partOf(thrown: unknown, name: string): unknown {
  return typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined
}
