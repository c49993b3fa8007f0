import type { Board } from '../../src/dashboard/board.js'
import type { Update } from '../../src/dashboard/protocol.js'

/** All that a board shows. */
export function everythingOf(board: Board): Update {
  const { sources, events: log } = board
  const told = [
    ...board.paths.map((path) => board.path(path)),
    ...board.nodes.map((key) => board.nodeAt(key)),
  ]
  return {
    sources,
    log,
    paths: told.flatMap(({ paths }) => paths),
    waiting: told.flatMap(({ waiting }) => waiting),
    nodes: told.flatMap(({ nodes }) => nodes),
    lanes: told.flatMap(({ lanes }) => lanes),
    anew: [],
    gone: [],
  }
}
