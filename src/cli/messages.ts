/** What the commands say on standard error: one line each. */
import { DeniedError } from '../errors.js'
import { escaped } from '../shown.js'
import { print } from './shown.js'

/** Says something unless the user wants quiet. */
export type Say = (message: string) => void

export function sayer(isQuiet: boolean): Say {
  return isQuiet ? () => undefined : (message) => print(process.stderr, `locked: ${message}`)
}

/**
 * Says that etcd cannot be reached when that begins, and that it can be reached again, once each. That it
 * answers, and refuses, is said besides: it takes somebody who changes that.
 */
export class Reachability {
  readonly #say: Say
  #told: 'unreachable' | 'denied' | null = null

  constructor(say: Say) {
    this.#say = say
  }

  retrying(error: Error): void {
    const what = error instanceof DeniedError ? 'denied' : 'unreachable'
    if (this.#told === 'denied' || this.#told === what) return
    this.#told = what
    this.#say(`etcd cannot be reached, trying again: ${oneLine(error.message)}`)
  }

  recovered(): void {
    if (this.#told === null) return
    this.#told = null
    this.#say('etcd can be reached again')
  }
}

/** Text from elsewhere as it may be printed: on one line, and without a terminal's commands. */
export function oneLine(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    escaped,
  )
}

/** As it is when it is one plain word; in quotes otherwise. */
export function word(text: string): string {
  return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !/["\\]/.test(text) && text !== '-'
    ? text
    : oneLine(JSON.stringify(text))
}
