import type { Json } from './json.js'

/**
 * Whether two values are the same. The order of members is no part of a value. It calls itself for
 * nothing: what stands at a path may be of any depth.
 */
export function equal(a: Json, b: Json): boolean {
  if (a === b) return true
  const rest: [Json, Json][] = [[a, b]]
  for (let pair = rest.pop(); pair !== undefined; pair = rest.pop()) {
    const [one, other] = pair
    if (one === other) continue
    if (typeof one !== 'object' || typeof other !== 'object') return false
    if (one === null || other === null) return false
    const members = Object.entries<Json>(one)
    if (Array.isArray(one) !== Array.isArray(other)) return false
    if (members.length !== Object.keys(other).length) return false
    for (const [name, value] of members) {
      const counterpart = Object.getOwnPropertyDescriptor(other, name)
      if (counterpart === undefined) return false
      rest.push([value, counterpart.value])
    }
  }
  return true
}
