import type { Json } from '../machines/election.js'

/**
 * So many arrays and objects may stand inside one another in a value. What is nested deeper cannot
 * be copied or written by whatever calls itself for each level, as `JSON.stringify` does.
 */
export const DEEPEST_VALUE = 500

/**
 * Parses text from anywhere; `undefined` where it is not JSON, is nested deeper than `levels`, or has
 * a number in it that is beyond a double, and so would not be JSON any more when it is written again.
 */
export function parseJson(text: string, levels: number): Json | undefined {
  // Before it is parsed: that takes seconds when a text is nothing but brackets.
  if (isDeeper(text, levels)) return undefined
  try {
    const parsed: Json = JSON.parse(text)
    return hasOnlyFinite(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function isDeeper(text: string, levels: number): boolean {
  // Each level takes two brackets.
  if (text.length <= 2 * levels) return false
  let depth = 0
  let isInString = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') isInString = !isInString
    else if (isInString) {
      if (character === '\\') at += 1
    } else if (character === '[' || character === '{') {
      depth += 1
      if (depth > levels) return true
    } else if (character === ']' || character === '}') depth -= 1
  }
  return false
}

/** Whether there is no number in it that is beyond a double. */
function hasOnlyFinite(json: Json): boolean {
  const rest: Json[] = [json]
  for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
    if (typeof one === 'number' && !Number.isFinite(one)) return false
    if (typeof one === 'object' && one !== null)
      for (const part of Object.values(one)) rest.push(part)
  }
  return true
}
