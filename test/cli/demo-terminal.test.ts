import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { timeNet } from '../load/starvation.js'
import { MAIN, RunningCommand } from './command.js'

const QUIT_WITHIN_MS = 2_000
const SHOW_CURSOR = '\x1b[?25h'
const HIDE_CURSOR = '\x1b[?25l'
/** What every drawing of the screen ends with. */
const DRAWN = '\x1b[?7h'

/** The table's rows as they stand now: whose number is chosen, and each node's state. */
function rowsOf(output: string): Row[] {
  const drawings = output.split(DRAWN).slice(0, -1)
  const lines = stripVTControlCharacters(drawings.at(-1) ?? '').split(/\r*\n/)
  return lines.flatMap((line) => {
    const match = /^(>| ) (\d) {2}node-([abc]) {2}(\w+) +(★?) .* (up|frozen|cut)$/.exec(line)
    if (match === null) return []
    const [, mark, number = '', , state = '', star, connection = ''] = match
    return [{ number, state, connection, isChosen: mark === '>', isLeader: star === '★' }]
  })
}

interface Row {
  readonly number: string
  readonly state: string
  readonly connection: string
  readonly isChosen: boolean
  readonly isLeader: boolean
}

/** The size that terminals have when nothing else is said is 80 × 24. */
function runInTerminal(columns = 100, rows = 40): RunningCommand {
  const commands = `stty cols ${columns} rows ${rows}; stty -g; "${process.execPath}" "${MAIN}" demo --ttl 2; echo "code $?"; stty -g`
  return new RunningCommand('script', ['-qec', commands, '/dev/null'], {
    TERM: 'xterm-256color',
    SHELL: '/bin/sh',
  })
}

/** Resolves with the row that is as `wanted` says. */
function untilRow(
  terminal: RunningCommand,
  what: string,
  wanted: (row: Row) => boolean,
): Promise<Row> {
  return terminal.until(what, (output) => rowsOf(output).find(wanted) ?? null)
}

function untilLeader(terminal: RunningCommand, among: readonly string[]): Promise<Row> {
  return untilRow(
    terminal,
    `a leader among ${among}`,
    ({ isLeader, number }) => isLeader && among.includes(number),
  )
}

async function choose(terminal: RunningCommand, number: string): Promise<void> {
  terminal.type(number)
  await untilRow(terminal, `${number} chosen`, (row) => row.isChosen && row.number === number)
}

test('leadership moves when keys freeze, kill and stop the leader', async () => {
  using terminal = runInTerminal()
  const all = ['1', '2', '3']
  const others = (...numbers: string[]) => all.filter((number) => !numbers.includes(number))

  const { number: frozen } = await untilLeader(terminal, all)
  await choose(terminal, frozen)
  terminal.type('f')
  await untilRow(
    terminal,
    'the frozen leader deselected',
    (row) => row.number === frozen && row.connection === 'frozen' && !row.isLeader,
  )
  const { number: killed } = await untilLeader(terminal, others(frozen))

  await choose(terminal, killed)
  terminal.type('k')
  await untilRow(terminal, 'killed', (row) => row.number === killed && row.state === 'killed')
  const { number: stopped } = await untilLeader(terminal, others(frozen, killed))

  terminal.type('t')
  await untilRow(
    terminal,
    'a fresh follower',
    (row) => row.number === killed && row.connection === 'up' && row.state === 'follower',
  )
  await choose(terminal, stopped)
  terminal.type('s')
  await untilRow(terminal, 'stopped', (row) => row.number === stopped && row.state === 'stopped')
  await untilLeader(terminal, [killed])

  await choose(terminal, frozen)
  terminal.type('f')
  await untilRow(
    terminal,
    'the thawed node following',
    (row) => row.number === frozen && row.connection === 'up' && row.state === 'follower',
  )
})

test('h has the leader hand over, whichever node is chosen, and the path is never vacant', async () => {
  using terminal = runInTerminal()
  const all = ['1', '2', '3']
  const { number: leader } = await untilLeader(terminal, all)
  await terminal.until('two followers', (output) => {
    const followers = rowsOf(output).filter(({ state }) => state === 'follower')
    return followers.length === 2 ? followers : null
  })
  const others = all.filter((number) => number !== leader)
  await choose(terminal, others[0] ?? '')
  terminal.type('h')
  await untilLeader(terminal, others)
  await untilRow(
    terminal,
    'the leader of before following',
    (row) => row.number === leader && row.state === 'follower',
  )
  const shown = stripVTControlCharacters(terminal.output)
  expect(shown).toMatch(/ node-[abc] deselect reason=transferred/)
  expect(shown).not.toMatch(/ node-[abc] vacant/)
})

test('on 80 × 24 no line is broken, and none is beyond the last', async () => {
  using terminal = runInTerminal(80, 24)
  const { number: leader } = await untilLeader(terminal, ['1', '2', '3'])
  terminal.type('h')
  await untilLeader(
    terminal,
    ['1', '2', '3'].filter((number) => number !== leader),
  )
  const { output } = terminal
  const drawings = output.slice(output.indexOf(HIDE_CURSOR)).split(DRAWN).slice(0, -1)
  expect(drawings.length).toBeGreaterThan(2)
  for (const drawing of drawings) {
    const text = stripVTControlCharacters(drawing)
    const lines = text.split(/\r*\n/)
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  }
})

test.each([
  ['q', 'q'],
  ['Ctrl-C', '\x03'],
])('%s ends the demo and leaves the terminal as it was', async (_, key) => {
  using terminal = runInTerminal()
  await untilLeader(terminal, ['1', '2', '3'])
  const quit = async () => {
    terminal.type(key)
    expect(await terminal.exited).toBe(0)
  }
  expect(await timeNet(quit)).toBeLessThan(QUIT_WITHIN_MS)
  const { output } = terminal
  expect(output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(output.lastIndexOf(HIDE_CURSOR))
  expect(output).toContain('code 0\r\n')
  const [before, after, ...more] = output.match(/^[\da-f]+(:[\da-f]+){10,}(?=\r?$)/gm) ?? []
  expect(before).toBeDefined()
  expect(after).toBe(before)
  expect(more).toEqual([])
})
