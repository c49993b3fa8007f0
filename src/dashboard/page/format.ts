import type { Json } from '../../../machines/election.js'

/** A value on one line, short enough to be read. */
export function showValue(value: Json, longest = 80): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** How often a path changed hands, and for how long nobody held it. */
export function showSummary({ changes, vacantMs }: { changes: number; vacantMs: number }): string {
  return `${changes} ${changes === 1 ? 'change' : 'changes'}, vacant ${showDuration(vacantMs)}`
}

export function showTime(atMs: number): string {
  const date = new Date(atMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}

export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
