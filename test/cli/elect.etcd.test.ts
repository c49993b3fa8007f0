import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { vacanciesOf } from '../etcd/vacancies.js'
import { now } from '../faults/now.js'
import { Starvation, timeNet } from '../load/starvation.js'
import { RunningCommand } from './command.js'
import { expectOutagesSaidOnce } from './outages.js'
import { childrenOf, Trace } from './trace.js'

const TTL = 5
/** Of those that need not expire, and would on a machine that is busy. */
const LONG_TTL = 30
/** So long that no session ends, however busy the machine is. */
const AMPLE_TTL = 120
/** How often one process takes the place of another. */
const TURNS = 4

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

class Scene {
  readonly #ttl: number
  readonly path = `/elect-${randomUUID()}`
  readonly trace = new Trace()

  constructor(ttl = TTL) {
    this.#ttl = ttl
  }

  elect(id: string, ...args: readonly string[]): RunningCommand {
    return this.electAt(etcd.endpoint, id, ...args)
  }

  electAt(endpoint: string, id: string, ...args: readonly string[]): RunningCommand {
    const { path } = this
    const command = RunningCommand.locked(
      ...['elect', path, '--endpoints', endpoint, '--ttl', `${this.#ttl}`, '--id', id, ...args],
    )
    onTestFinished(async () => {
      command[Symbol.dispose]()
      await command.exited
    })
    return command
  }

  /** A leader whose work has started, and a follower that stands by. */
  async pair(leaderArgs: readonly string[], followerArgs = this.trace.work()) {
    const leader = this.elect('leader', ...leaderArgs)
    const { token } = await this.trace.untilStarted()
    const follower = this.elect('follower', ...followerArgs)
    await follower.untilMatch(/is held by leader\n/)
    return { leader, follower, token }
  }

  /** Asserts that the work of the next leader starts, after all that was before is gone. */
  async expectTakeover(after: number) {
    const { token } = await this.trace.untilStarted(after)
    // What still ran would leave a trace meanwhile.
    await this.trace.untilRunning(token)
    this.trace.expectNoOverlap()
    return token
  }

  holder(): Promise<string | null> {
    return client.get(this.path).string()
  }

  /** Asserts that after `act` this token's work is gone before the lease ends, which it waits for. */
  async expectGoneBeforeLease(token: number, act: () => void): Promise<void> {
    using starvation = new Starvation()
    const from = now()
    const watcher = await client.watch().key(this.path).create()
    const vacated = once(watcher, 'delete').then(() => Date.now())
    act()
    const ranLastAt = await this.trace.gone(token)
    const vacatedAt = await vacated
    await watcher.cancel()
    expect(ranLastAt - starvation.between(from, now())).toBeLessThanOrEqual(vacatedAt)
  }
}

describe('the command', () => {
  test('is told in its environment what it leads, reads standard input, and passes on its exit code', async () => {
    const { path, elect } = bound()
    const script =
      'read line; echo "$line: $LOCKED_PATH $LOCKED_ID $LOCKED_VALUE $LOCKED_TOKEN"; exit 7'
    const command = elect('me', '--value', 'a value', '--', 'sh', '-c', script)
    command.type('typed\n')
    expect(await command.exited).toBe(7)
    expect(command.stdout).toMatch(new RegExp(`^typed: ${path} me a value \\d+\n$`))
    expect(await client.get(path)).toBeNull()
    const said = command.stderr.trimEnd().split('\n')
    expect(said.filter((line) => !/reached/.test(line))).toEqual([
      expect.stringMatching(`^locked: leads ${path} with token \\d+$`),
      'locked: the command has ended with 7',
      `locked: no longer leads ${path}: stopped`,
    ])
  })

  test.each([
    ['is killed by a signal', ['sh', '-c', 'kill -9 $$'], 137],
    ['ends well', ['true'], 0],
  ])('that %s has its exit code, and releases', async (_how, args, exitCode) => {
    const { path, elect } = bound()
    const command = elect('me', '--', ...args)
    expect(await command.exited).toBe(exitCode)
    expect(await client.get(path)).toBeNull()
  })

  test.each([
    ['does not exist', ['/nonexistent/command'], 127, 'no such file or directory (ENOENT)'],
    ['is below a file', ['/etc/passwd/command'], 127, 'not a directory (ENOTDIR)'],
    ['may not be executed', ['/etc/passwd'], 126, 'permission denied (EACCES)'],
    ['is a folder', ['/etc'], 126, 'permission denied (EACCES)'],
    ['has too long a name', [`/${'n'.repeat(300)}`], 126, 'name too long (ENAMETOOLONG)'],
    ['has too long a path', ['/n'.repeat(3_000)], 126, 'name too long (ENAMETOOLONG)'],
    ['is empty', [''], 126, 'cannot be empty'],
  ])('that %s is tried once, and releases', async (_how, args, exitCode, why) => {
    const { path, elect } = bound()
    // Not run again with --restart either.
    const command = elect('me', '--restart', '--', ...args)
    expect(await command.exited).toBe(exitCode)
    expect(await client.get(path)).toBeNull()
    const said = command.stderr.split('\n').filter((line) => line.includes('cannot run'))
    expect(said).toEqual([expect.stringContaining(why)])
    expect(said[0]?.length).toBeLessThan(400)
    expect(command.stderr).not.toContain('    at ')
  })

  test('that gets more than the system passes on is tried once, and releases', async () => {
    const { path, elect } = bound()
    // With its name before it, it is longer than one part of an environment may be.
    const command = elect('me', '--restart', '--value', 'v'.repeat(131_065), '--', 'true')
    expect(await command.exited).toBe(126)
    expect(await client.get(path)).toBeNull()
    expect(command.stderr).toMatch(/^locked: cannot run true: argument list too long \(E2BIG\)$/m)
    expect(command.stderr).not.toContain('    at ')
  })

  test('that ends by itself makes room for the next at once', async () => {
    const scene = new Scene(LONG_TTL)
    const leader = scene.elect('leader', '--', 'sh', '-c', 'echo started; read line; exit 3')
    await leader.untilMatch(/^started$/m)
    const follower = scene.elect('follower', ...scene.trace.work())
    await follower.untilMatch(/is held by leader\n/)
    const begin = async () => {
      leader.type('\n')
      await scene.trace.untilStarted()
    }
    // Not only when the lease expires.
    expect(await timeNet(begin)).toBeLessThan((LONG_TTL * 1_000) / 4)
    expect(await leader.exited).toBe(3)
  })

  test('leaves nothing of its group behind', async () => {
    const { elect, trace } = bound()
    const [, node = '', work = '', file = ''] = trace.work()
    const script = `"${node}" "${work}" "${file}" --ignores-sigterm & while ! [ -s "${file}" ]; do sleep 0.05; done; exit 4`
    expect(await elect('me', '--', 'sh', '-c', script).exited).toBe(4)
    trace.expectAllGone()
    expect(trace.of('told')).toHaveLength(1)
  })

  test('is run again with --restart while still leader', async () => {
    const { elect, trace } = bound()
    const [, node = '', work = '', file = ''] = trace.work()
    const script = `"${node}" "${work}" "${file}" & while ! [ -s "${file}" ]; do sleep 0.05; done; exit 4`
    const command = elect('me', '--restart', '--', 'sh', '-c', script)
    await command.until(
      'two ends',
      (output) => (output.match(/ended with 4/g)?.length ?? 0) > 1 || null,
    )
    expect(new Set(trace.lines.map(({ token }) => token)).size).toBe(1)
    command.kill('SIGTERM')
    await command.exited
    trace.expectAllGone()
  })
})

describe('when locked is told to end', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s ends the command, and its group, before the next one starts',
    async (signal) => {
      const scene = new Scene(LONG_TTL)
      const flags = ['--ends-slowly', '--with-grandchild']
      const { leader, token } = await scene.pair(scene.trace.work(...flags))
      await scene.trace.until('the grandchild', () => scene.trace.of('started').length > 1)
      leader.kill(signal)
      expect(await leader.exited).toBe(0)
      expect(scene.trace.of('told').filter((line) => line.token === token).length).toBe(2)
      await scene.expectTakeover(token)
    },
  )

  test('it hands over, one after the other: no two commands run at once, and the path is never vacant', async () => {
    const scene = new Scene(AMPLE_TTL)
    const vacancies = await vacanciesOf(etcd.endpoint, scene.path)
    const work = scene.trace.work('--ends-slowly')
    let leader = scene.elect('process 0', ...work)
    let token = (await scene.trace.untilStarted()).token
    for (let turn = 1; turn <= TURNS; turn += 1) {
      const next = scene.elect(`process ${turn}`, ...work)
      await next.untilMatch(new RegExp(`is held by process ${turn - 1}\n`))
      leader.kill('SIGTERM')
      expect(await leader.exited).toBe(0)
      token = await scene.expectTakeover(token)
      leader = next
    }
    expect(scene.trace.turns).toHaveLength(TURNS + 1)
    scene.trace.expectTurns()
    expect(await vacancies.untilNow()).toEqual([])

    // Nobody waits any more.
    leader.kill('SIGTERM')
    expect(await leader.exited).toBe(0)
    expect(await vacancies.untilNow()).toEqual([scene.path])
    scene.trace.expectAllGone()
  })

  test('a command that ignores SIGTERM is killed before the next one starts', async () => {
    const scene = new Scene()
    const { leader, token } = await scene.pair(scene.trace.work('--ignores-sigterm'))
    leader.kill('SIGTERM')
    expect(await leader.exited).toBe(137)
    await scene.expectTakeover(token)
  })

  test('while it waits, the exit code says so, and the command has never run', async () => {
    const scene = new Scene(LONG_TTL)
    const { follower } = await scene.pair(scene.trace.work())
    follower.kill('SIGINT')
    expect(await follower.exited).toBe(130)
    expect(scene.trace.of('started')).toHaveLength(1)
  })
})

describe('whatever happens to locked, the command is gone before the lease ends', () => {
  test.each([[[]], [['--ignores-sigterm']], [['--with-grandchild']]])(
    'killed by SIGKILL, work with %j',
    async (flags) => {
      const scene = new Scene()
      const { leader, token } = await scene.pair(scene.trace.work(...flags))
      await scene.expectGoneBeforeLease(token, () => leader.kill('SIGKILL'))
      await scene.expectTakeover(token)
    },
  )

  test('stopped by SIGSTOP, and it stands for election again after SIGCONT', async () => {
    const scene = new Scene()
    const { leader, follower, token } = await scene.pair(scene.trace.work('--ignores-sigterm'))
    await scene.expectGoneBeforeLease(token, () => leader.kill('SIGSTOP'))
    const next = await scene.expectTakeover(token)
    leader.kill('SIGCONT')
    await leader.untilMatch(/no longer leads .*: expired\n/)
    await leader.untilMatch(/is held by follower\n/)
    follower.kill('SIGTERM')
    await scene.expectTakeover(next)
  })

  test('its watchdog killed by SIGKILL, and the command is run again under another', async () => {
    const scene = new Scene()
    const leader = scene.elect('leader', ...scene.trace.work('--ignores-sigterm'))
    const { token, pid } = await scene.trace.untilStarted()
    for (const watchdog of childrenOf(leader.pid)) process.kill(watchdog, 'SIGKILL')
    const again = await scene.trace.until('the command again', (line) => {
      return line.what === 'started' && line.pid !== pid
    })
    expect(again.token).toBe(token)
    expect(scene.trace.lines.findLast((line) => line.pid === pid)?.at).toBeLessThanOrEqual(again.at)
  })

  test('its watchdog killed again and again: it gives up after a few, each later than the one before', async () => {
    const scene = new Scene(AMPLE_TTL)
    const leader = scene.elect('leader', '--quiet', ...scene.trace.work('--ignores-sigterm'))
    let started = 0
    let isOver = false
    const exited = leader.exited.finally(() => {
      isOver = true
    })
    while (!isOver) {
      const count = started
      const next = scene.trace.until('the command', () => scene.trace.of('started').length > count)
      await Promise.race([next, exited])
      started = scene.trace.of('started').length
      if (started > count)
        for (const watchdog of childrenOf(leader.pid)) process.kill(watchdog, 'SIGKILL')
    }
    expect(await exited).toBe(126)
    scene.trace.expectAllGone()
    // There were more if the machine was so slow that one seemed to have run well.
    expect(started).toBeGreaterThanOrEqual(6)
    const starts = scene.trace
      .of('started')
      .map(({ at }) => at)
      .slice(-6)
    const pauses = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    for (const [index, pauseMs] of pauses.entries())
      expect(pauseMs).toBeGreaterThanOrEqual(100 * 2 ** index - 5)
    expect(await scene.holder()).toBeNull()
  })

  test.each([[[]], [['--with-grandchild']]])(
    'killed together with its watchdog by SIGKILL, work with %j: its group is killed at once',
    async (flags) => {
      // Nobody is left who could know when the lease ends.
      const scene = new Scene(AMPLE_TTL)
      const work = scene.trace.work('--ignores-sigterm', ...flags)
      const leader = scene.elect('leader', ...work)
      const { token } = await scene.trace.untilStarted()
      await scene.trace.until(
        'all of the work',
        () => scene.trace.of('started').length > flags.length,
      )
      const watchdogs = childrenOf(leader.pid)
      expect(watchdogs).toHaveLength(1)
      // It could kill nothing after this, and `locked` restarts nothing.
      for (const pid of [leader.pid, ...watchdogs]) process.kill(pid, 'SIGSTOP')
      for (const pid of [leader.pid, ...watchdogs]) process.kill(pid, 'SIGKILL')
      await scene.trace.gone(token)
      expect(await scene.holder()).not.toBeNull()
    },
  )

  test('its watchdog stopped by SIGSTOP, and it is told to end then', async () => {
    const scene = new Scene()
    const { leader, token } = await scene.pair(scene.trace.work('--ignores-sigterm'))
    for (const watchdog of childrenOf(leader.pid)) process.kill(watchdog, 'SIGSTOP')
    leader.kill('SIGTERM')
    expect(await leader.exited).toBe(137)
    await scene.expectTakeover(token)
  })

  test('its watchdog stopped by SIGSTOP, and the connection frozen', async () => {
    const scene = new Scene()
    await using relay = await startRelay(etcd.endpoint)
    const leader = scene.electAt(relay.endpoint, 'leader', ...scene.trace.work())
    const { token } = await scene.trace.untilStarted()
    for (const watchdog of childrenOf(leader.pid)) process.kill(watchdog, 'SIGSTOP')
    await scene.expectGoneBeforeLease(token, () => relay.freeze())
    await leader.untilMatch(/no longer leads .*: expired\n/)
    await relay.heal()
    await scene.expectTakeover(token)
  })
})

describe('when leadership is lost', () => {
  test('because the connection is frozen: SIGTERM, then SIGKILL, before validity ends', async () => {
    const scene = new Scene()
    await using relay = await startRelay(etcd.endpoint)
    const leader = scene.electAt(relay.endpoint, 'leader', ...scene.trace.work('--ignores-sigterm'))
    const { token } = await scene.trace.untilStarted()
    const follower = scene.elect('follower', ...scene.trace.work())
    await follower.untilMatch(/is held by leader\n/)
    await scene.expectGoneBeforeLease(token, () => relay.freeze())
    expect(scene.trace.of('told').map((line) => line.token)).toEqual([token])
    const next = await scene.expectTakeover(token)
    await leader.untilMatch(/cannot be reached/)
    await relay.heal()
    await leader.untilMatch(/can be reached again\n/)
    await leader.untilMatch(/is held by follower\n/)
    follower.kill('SIGTERM')
    await scene.expectTakeover(next)
  })

  test('because etcd went away: it says so once, and runs the command again after that', async () => {
    const scene = new Scene()
    await using own = await startEtcd({ own: true })
    const leader = scene.electAt(own.endpoint, 'leader', ...scene.trace.work())
    const { token } = await scene.trace.untilStarted()
    await own.kill()
    await scene.trace.gone(token)
    await leader.untilMatch(/no longer leads .*: expired\n/)
    // Long enough for several attempts.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await own.start()
    await leader.untilMatch(/can be reached again\n/)
    await scene.expectTakeover(token)
    leader.kill('SIGTERM')
    expect(await leader.exited).toBe(0)
    expectOutagesSaidOnce(leader.stderr)
  })

  test('because an operator deleted the key: the command ends, and it stands again', async () => {
    const scene = new Scene(LONG_TTL)
    const leader = scene.elect('leader', ...scene.trace.work('--ignores-sigterm'))
    const { token } = await scene.trace.untilStarted()
    await client.delete().key(scene.path)
    await scene.expectTakeover(token)
    expect(leader.stderr).toMatch(/no longer leads .*: vacated\n/)
  })

  test('it exits with --once', async () => {
    const scene = new Scene(LONG_TTL)
    const leader = scene.elect('leader', '--once', ...scene.trace.work('--ends-slowly'))
    await scene.trace.untilStarted()
    await client.delete().key(scene.path)
    expect(await leader.exited).toBe(5)
    scene.trace.expectAllGone()
    expect(await scene.holder()).toBeNull()
  })
})

test('--quiet says nothing', async () => {
  const { elect } = bound()
  const command = elect('me', '--quiet', '--', 'echo', 'the output')
  expect(await command.exited).toBe(0)
  expect(command.output).toBe('the output\n')
})

/** A scene whose methods can be taken apart. */
function bound() {
  const scene = new Scene(LONG_TTL)
  return { path: scene.path, trace: scene.trace, elect: scene.elect.bind(scene) }
}
