import type { Json } from '../../machines/election.js'

/** As much as the page shows of a value when it is pointed at. */
const LONGEST = 2_000

/** Text for the log, which keeps thousands of them: a value may be as long as etcd takes. */
export function shortened(text: string, longest = LONGEST): string {
  return text.length > longest ? `${copied(text.slice(0, longest))}…` : text
}

/** A value as the page shows it: in place of one that is too long for that, the beginning of its JSON. */
export function shortenedValue(value: Json): Json {
  const text = JSON.stringify(value)
  return text.length > LONGEST ? `${shortened(text)} (${text.length} characters)` : value
}

/** V8 keeps the whole text for as long as there is a slice of it. */
function copied(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
