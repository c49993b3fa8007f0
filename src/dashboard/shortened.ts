import type { Json } from '../../machines/election.js'

/** As much as the log shows of a value: it keeps thousands of them, and each may be as long as etcd takes. */
const LONGEST = 300

export function shortened(text: string, longest = LONGEST): string {
  return text.length > longest ? `${copied(text.slice(0, longest))}…` : text
}

/**
 * A value as the page shows it: in place of one that is too long for that, the beginning of its JSON. An
 * array or an object is text too, which takes less than it does.
 */
export function shortenedValue(value: Json, longest: number): Json {
  const text = JSON.stringify(value)
  if (text.length > longest) return `${shortened(text, longest)} (${text.length} characters)`
  return typeof value === 'object' && value !== null ? text : value
}

/** V8 keeps the whole text for as long as there is a slice of it. */
function copied(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
