/**
 * The same text for values that JSON does not tell apart, whatever the order of their members. It
 * calls itself for nothing: histories hold what stood at a path, which may be of any depth.
 */
export function canonicalJson(given: unknown): string {
  const text: string[] = []
  /** What is still to be written, the next one last: values, and what goes between them. */
  const rest: ({ readonly value: unknown } | string)[] = [{ value: given }]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'string') {
      text.push(next)
      continue
    }
    const { value } = next
    if (typeof value !== 'object' || value === null) {
      text.push(JSON.stringify(value) ?? 'null')
      continue
    }
    const isList = Array.isArray(value)
    const members = Object.entries(value)
    if (!isList) members.sort(([a], [b]) => (a < b ? -1 : 1))
    text.push(isList ? '[' : '{')
    rest.push(isList ? ']' : '}')
    for (const [index, [name, one]] of [...members.entries()].reverse()) {
      rest.push({ value: one })
      if (!isList) rest.push(`${JSON.stringify(name)}:`)
      if (index > 0) rest.push(',')
    }
  }
  return text.join('')
}
