/** How the commands print. Nothing else in this folder writes to standard output or standard error. */
import { shown } from '../shown.js'

/** A stream as far as it is printed to. */
interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Writes text as it is; on a terminal, as it may be shown. */
export function write(output: Output, text: string): void {
  output.write(output.isTTY ? shown(text) : text)
}

/** The same, with a line feed behind it. */
export function print(output: Output, text: string): void {
  write(output, `${text}\n`)
}
