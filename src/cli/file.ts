import { readFileSync } from 'node:fs'
import { UsageError } from './usage-error.js'

const STDIN = 0

/** @throws UsageError that names the option, when the file cannot be read. */
export function readFile(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new UsageError(`${option}: cannot read ${path}: ${why}`)
  }
}

/** The same, and standard input for `-`. */
export function readFileOrStdin(option: string, path: string): Buffer {
  if (path !== '-') return readFile(option, path)
  try {
    return readFileSync(STDIN)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new UsageError(`${option}: cannot read standard input: ${why}`)
  }
}
