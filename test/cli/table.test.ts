import { expect, test } from 'vitest'
import type { DemoView } from '../../src/cli/demo/demo.js'
import type { NodeView } from '../../src/cli/demo/demo-node.js'
import { type Format, renderTable } from '../../src/cli/demo/table.js'

const plain = (_format: Format, text: string) => text
const holder = { id: 'node-a', value: 'node-a@12:00:00', token: 2n }
const leader: NodeView = {
  id: 'node-a',
  state: 'leader',
  isLeader: true,
  holder,
  validityMs: 4_321,
  connection: 'up',
}
const frozen: NodeView = {
  id: 'node-b',
  state: 'follower',
  isLeader: false,
  holder,
  validityMs: 0,
  connection: 'frozen',
}
const killed: NodeView = {
  id: 'node-c',
  state: 'killed',
  isLeader: false,
  holder: null,
  validityMs: 0,
  connection: 'cut',
}

function view(...nodes: readonly NodeView[]): DemoView {
  return { path: '/demo', ttl: 5, where: 'embedded store', elapsedMs: 12_345, nodes }
}

test('has a row for each node, and a mark at the one that is chosen', () => {
  expect(renderTable(view(leader, frozen, killed), 1, 80, plain)).toEqual([
    '/demo on embedded store, ttl 5 s, running for 12.3 s',
    '',
    '     node    state        leader  holder  value            token  valid   store',
    '  1  node-a  leader       ★       node-a  node-a@12:00:00  2      4.3 s   up',
    '> 2  node-b  follower             node-a  node-a@12:00:00  2      -       frozen',
    '  3  node-c  killed               -       -                -      -       cut',
  ])
})

test('shortens the value, so that no row is longer than the terminal is wide', () => {
  const long = { ...leader, holder: { ...holder, value: 'x'.repeat(200), token: 123_456_789n } }
  const lines = renderTable(view(long, frozen), 0, 80, plain)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(lines[3]).toContain('xxx…')
})

test('shows what anybody wrote at the path as text that the terminal does not obey', () => {
  const value = '\x1b[2J\x9b2J\r\nboo'
  const junk = { ...frozen, holder: { id: null, value, token: 7n } }
  const [, , , row = ''] = renderTable(view(junk), 0, 120, plain)
  expect(row).toContain('(no record)')
  expect(row).toContain(String.raw`\u001b[2J`)
  expect(row).not.toMatch(/\p{C}/u)
})

test('paints the leader green, the frozen cyan and the killed dim', () => {
  const named = (format: Format, text: string) => `${format}:${text}`
  const lines = renderTable(view(leader, frozen, killed), 0, 80, named)
  expect(lines.slice(3).map((line) => line.split(':')[0])).toEqual(['green', 'cyan', 'dim'])
})
