/**
 * Whether the election gets somewhere once nothing fails any more: only fair steps are taken, each
 * of which happens sooner or later. Then the worlds that remain possible in the long run are those
 * of the bottom components of the graph of fair steps (Tarjan's algorithm, without recursion).
 */
import { type Exploration, Progress } from './explore.js'
import type { ViolationKind } from './properties.js'

export interface Trap {
  readonly kind: ViolationKind
  readonly world: number
}

/** The nearest world from which no leader can come, or else the nearest where leaders never stay. */
export function findTrap({ table, progress, fairFrom, fairTo }: Exploration): Trap | null {
  const count = table.size
  const components = new Int32Array(count).fill(-1)
  // Per component, by number; components get their numbers only after all that they lead to.
  const canSettle = new Uint8Array(count)
  const alwaysSettled = new Uint8Array(count).fill(1)
  const isBottom = new Uint8Array(count).fill(1)

  const indices = new Int32Array(count)
  const lows = new Int32Array(count)
  const nextEdge = new Int32Array(count)
  const path = new Int32Array(count)
  const open = new Int32Array(count)
  let opened = 0
  let lastIndex = 0
  let lastComponent = 0

  for (let root = 0; root < count; root += 1) {
    if (indices[root] !== 0) continue
    let depth = 0
    const enter = (world: number) => {
      lastIndex += 1
      indices[world] = lastIndex
      lows[world] = lastIndex
      nextEdge[world] = fairFrom.at(world)
      path[depth] = world
      depth += 1
      open[opened] = world
      opened += 1
    }
    enter(root)
    while (depth > 0) {
      const world = path[depth - 1] ?? 0
      const edge = nextEdge[world] ?? 0
      if (edge < fairFrom.at(world + 1)) {
        nextEdge[world] = edge + 1
        const next = fairTo.at(edge)
        if (indices[next] === 0) enter(next)
        else if (components[next] === -1) {
          lows[world] = Math.min(lows[world] ?? 0, indices[next] ?? 0)
        }
        continue
      }
      depth -= 1
      const parent = path[depth - 1]
      if (depth > 0 && parent !== undefined) {
        lows[parent] = Math.min(lows[parent] ?? 0, lows[world] ?? 0)
      }
      if (lows[world] !== indices[world]) continue
      const component = lastComponent
      lastComponent += 1
      const first = opened
      do {
        opened -= 1
        components[open[opened] ?? 0] = component
      } while (open[opened] !== world)
      for (let at = opened; at < first; at += 1) {
        const member = open[at] ?? 0
        const isSettled = (progress.at(member) & Progress.settled) !== 0
        const isFine = isSettled || (progress.at(member) & Progress.needed) === 0
        if (isFine) canSettle[component] = 1
        else alwaysSettled[component] = 0
        for (let to = fairFrom.at(member); to < fairFrom.at(member + 1); to += 1) {
          const other = components[fairTo.at(to)] ?? 0
          if (other === component) continue
          isBottom[component] = 0
          if (canSettle[other] === 1) canSettle[component] = 1
        }
      }
    }
  }

  let restless = -1
  for (let world = 0; world < count; world += 1) {
    const component = components[world] ?? 0
    if (canSettle[component] === 0) return { kind: 'stuck', world }
    if (restless === -1 && isBottom[component] === 1 && alwaysSettled[component] === 0) {
      restless = world
    }
  }
  return restless === -1 ? null : { kind: 'restless', world: restless }
}
