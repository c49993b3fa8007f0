/** Reads a port from 0 (any) to 65535; `null` if it is none. */
export function parsePort(text: string): number | null {
  const number = Number(text)
  return /^\d+$/.test(text) && number <= 65_535 ? number : null
}
