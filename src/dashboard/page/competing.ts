import type { NodeNow } from '../protocol.js'
import type { Model } from './model.js'

/** One who competes for a path. */
export interface Competing {
  readonly key: string
  /** `null` for what is not a record. */
  readonly id: string | null
  /** The state of a node whose process is inspected; otherwise `holder` or `candidate`. */
  readonly state: string
  /** The revision at which it was installed, or entered. */
  readonly since: number | null
}

/** Who competes for a path: the first of them, and how many there are besides. */
export interface Competition {
  readonly first: readonly Competing[]
  readonly more: number
}

type ByInstance = ReadonlyMap<string, NodeNow>

/** The paths that somebody competes for, or has, in their order. */
export function pathsOf(model: Model): readonly string[] {
  const isOther = (path: string) => !model.paths.has(path) && !model.waiting.has(path)
  const others = [...inspectedByPath(model).keys()].filter(isOther)
  return others.length === 0 ? model.order : model.order.concat(others).sort()
}

/**
 * Who competes for a path: the holder, those who wait in the order in which they entered, and then
 * those of whom only their own processes tell.
 */
export function competitionFor(
  path: string,
  model: Model,
  nodes: ReadonlyMap<string, ByInstance>,
): Competition {
  const inspected = new Map(nodes.get(path))
  const first: Competing[] = []
  const add = (instance: string | null, id: string | null, what: string, since: number | null) => {
    const node = instance === null ? undefined : inspected.get(instance)
    const state = node?.state.split('.')[0] ?? what
    first.push({ key: instance ?? what, id, state, since })
    if (instance !== null) inspected.delete(instance)
  }
  const now = model.paths.get(path)
  if (now?.holder != null && model.isKnown(now.source)) {
    const { instance, id, token } = now.holder
    add(instance, id, 'holder', token)
  }
  const waiting = model.waiting.get(path)
  if (waiting === undefined || !model.isKnown(waiting.source)) return withRest(0)
  for (const { instance, id, since } of waiting.first) add(instance, id, 'candidate', since)
  return withRest(waiting.more)

  function withRest(more: number): Competition {
    // Those of whom nothing was told by name may be among the rest.
    const others = more > 0 ? [] : [...inspected.values()]
    for (const { instance, id, state } of others) add(instance, id, state, null)
    return { first, more }
  }
}

/** Nodes whose processes tell of them now, and that compete. */
export function inspectedByPath(model: Model): ReadonlyMap<string, ByInstance> {
  const byPath = new Map<string, Map<string, NodeNow>>()
  for (const node of model.nodes.values()) {
    const [state] = node.state.split('.')
    if (!model.isKnown(node.source) || state === 'idle' || state === 'stopped') continue
    const others = byPath.get(node.path) ?? new Map<string, NodeNow>()
    byPath.set(node.path, others)
    // Whoever tells of the same one later is another, or says so only.
    if (!others.has(node.instance)) others.set(node.instance, node)
  }
  return byPath
}
