import { describe, expect, test } from 'vitest'
import { timeNet } from '../load/starvation.js'
import { RunningCommand } from './command.js'

const QUIT_WITHIN_MS = 2_000

describe('locked demo, not on a terminal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'prints one plain line for each event until %s, and then ends well',
    async (signal) => {
      // Nobody else is elected, however long processes have to wait for a processor.
      using demo = RunningCommand.locked('demo', '--ttl', '60')
      const [, id, value] = await demo.untilMatch(/(node-[abc]) select value=(\S+) token=\d+\n/)
      await demo.untilMatch(/node-[abc] change .*\n.*node-[abc] change .*\n/)
      const quit = async () => {
        demo.kill(signal)
        expect(await demo.exited).toBe(0)
      }
      expect(await timeNet(quit)).toBeLessThan(QUIT_WITHIN_MS)
      const lines = demo.stdout.trimEnd().split('\n')
      expect(lines.filter((line) => !/^\d+\.\ds node-[abc] [a-z]+( \w+=\S+)*$/.test(line))).toEqual(
        [],
      )
      expect(lines.filter((line) => / select /.test(line))).toHaveLength(1)
      expect(value).toMatch(new RegExp(`^${id}@`))
      expect(lines.at(-1)).toMatch(new RegExp(` ${id} deselect reason=stopped$`))
      expect(demo.output).not.toContain('\x1b')
    },
  )

  test('says once that etcd cannot be reached, goes on trying, and ends well', async () => {
    using demo = RunningCommand.locked('demo', '--endpoints', '127.0.0.1:1', '--ttl', '1')
    await demo.untilMatch(/ unreachable error=".*ECONNREFUSED/)
    // The nodes try again at once, and then about every second.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    demo.kill('SIGINT')
    expect(await demo.exited).toBe(0)
    expect(demo.output.match(/unreachable/g)).toHaveLength(1)
  })
})

describe('locked', () => {
  test.each([
    ['--endpoints', 'no host', /^error: .*--endpoints.*"no host" is not a host.*\n$/],
    ['--endpoints', '', /^error: .*--endpoints.*is empty.*\n$/],
    ['--ttl', 'soon', /^error: .*--ttl.*'soon'.*seconds.*\n$/],
    ['--ttl', '0', /^error: .*--ttl.*'0'.*above 0.*\n$/],
    ['--path', '', /^error: .*--path.*empty.*\n$/],
    ['--speed', '9', /^error: unknown option '--speed'\n$/],
  ])('answers demo %s %j with one line, and with 2', async (option, given, line) => {
    using demo = RunningCommand.locked('demo', option, given)
    expect(await demo.exited).toBe(2)
    expect(demo.output).toMatch(line)
  })

  test.each([
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['--help'], /demo \[options\]/],
    [['demo', '--help'], /--endpoints <list>.*Keys:/s],
  ])('%j is answered, and with 0', async (args, answer) => {
    using command = RunningCommand.locked(...args)
    expect(await command.exited).toBe(0)
    expect(command.output).toMatch(answer)
  })
})
