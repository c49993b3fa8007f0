import { canonicalJson } from './canonical-json.js'

/** A line of a history is not an entry. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  /** Counted from 1. */
  readonly line: number

  constructor(line: number, problem: string, options?: ErrorOptions) {
    super(`history line ${line}: ${problem}`, options)
    this.line = line
  }
}

/** The fields of one line, each checked as it is read. */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>
  readonly #line: number

  constructor(parsed: unknown, line: number) {
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw new HistoryError(line, 'not an object')
    }
    this.#fields = new Map<string, unknown>(Object.entries(parsed))
    this.#line = line
  }

  error(name: string, expected: string): HistoryError {
    const given = this.#fields.has(name) ? canonicalJson(this.#fields.get(name)) : 'missing'
    return new HistoryError(this.#line, `"${name}" must be ${expected}, and is ${given}`)
  }

  value(name: string): unknown {
    if (!this.#fields.has(name)) throw this.error(name, 'there')
    return this.#fields.get(name)
  }

  string(name: string): string {
    const value = this.#fields.get(name)
    if (typeof value !== 'string') throw this.error(name, 'a string')
    return value
  }

  boolean(name: string): boolean {
    const value = this.#fields.get(name)
    if (typeof value !== 'boolean') throw this.error(name, 'a boolean')
    return value
  }

  number(name: string): number {
    const value = this.#fields.get(name)
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.error(name, 'a number')
    return value
  }

  numberUpTo(limit: number, name: string): number {
    const value = this.number(name)
    if (value > limit) throw this.error(name, `at most ${limit}`)
    return value
  }

  revision(name: string): bigint {
    const value = this.#fields.get(name)
    if (typeof value === 'string' && /^\d+$/.test(value)) return BigInt(value)
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
    throw this.error(name, 'a revision: digits, or a safe integer')
  }

  orNull<T>(name: string, read: () => T): T | null {
    return this.#fields.get(name) === null ? null : read()
  }
}
