import { type Control, type HandOver, isAction, type LookFor, type Taken } from './protocol.js'

/** What a page asks for; `null` for what is no such thing. */
export function askedFrom(given: unknown): Control | HandOver | LookFor | Taken | null {
  if (typeof given !== 'object' || given === null) return null
  const { type, node, action, path, to, kind }: Readonly<Record<string, unknown>> = { ...given }
  if (type === 'taken') return { type }
  if (type === 'control' && typeof node === 'string' && isAction(action)) {
    return { type, node, action }
  }
  if (type === 'hand over' && typeof path === 'string' && (to === null || typeof to === 'string')) {
    return { type, path, to }
  }
  if (type === 'look for' && [node, path, kind].every((one) => typeof one === 'string')) {
    return { type, node: String(node), path: String(path), kind: String(kind) }
  }
  return null
}
