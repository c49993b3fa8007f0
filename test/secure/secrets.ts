import { expect } from 'vitest'

/** Asserts that no secret can be found in what is told, however deep: messages, causes, hidden properties. */
export function expectNoSecrets(told: unknown, secrets: readonly string[]): void {
  const found = [...textsIn(told)].filter((text) => secrets.some((secret) => text.includes(secret)))
  expect(found).toEqual([])
}

/** The part of a key in PEM that nothing else looks like. */
export function secretOf(pem: string): string {
  const [, line] = pem.split('\n')
  if (line === undefined || line.length < 20) throw new Error('not a PEM text')
  return line.slice(0, 40)
}

/** Every text that can be reached from `given`; what only a getter would make is not. */
export function textsIn(given: unknown): Set<string> {
  const texts = new Set<string>()
  const seen = new Set<unknown>()
  const waiting = [given]
  while (waiting.length > 0) {
    const one = waiting.pop()
    if (typeof one === 'string') texts.add(one)
    if ((typeof one !== 'object' && typeof one !== 'function') || one === null) continue
    if (seen.has(one)) continue
    seen.add(one)
    if (ArrayBuffer.isView(one)) {
      texts.add(Buffer.from(one.buffer, one.byteOffset, one.byteLength).toString('latin1'))
      continue
    }
    if (one instanceof Map) waiting.push(...one.keys(), ...one.values())
    if (one instanceof Set) waiting.push(...one)
    for (const key of Reflect.ownKeys(one)) {
      waiting.push(Object.getOwnPropertyDescriptor(one, key)?.value)
    }
  }
  return texts
}
