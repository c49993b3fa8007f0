import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http2'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { MAIN, RunningCommand } from './command.js'

/** Writes to the clipboard, sets the title, clears by C1 and by C0, and turns the direction of text. */
const HOSTILE = '\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07\x1b[2J\x9b2J\u202eevil\u2066'
const ESCAPED = String.raw`\u001b]52;c;ZXZpbA==`
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/
/** Otherwise Node.js colours the number of the process. */
const DEBUG = { NODE_DEBUG: 'locked', NO_COLOR: '1' }
const CTRL_C = '\x03'

const path = `/terminal-${randomUUID()}${HOSTILE}`
const record = { id: `id${HOSTILE}`, instance: 'somebody', value: `value${HOSTILE}` }

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  await client.put(path).value(JSON.stringify(record))
})

afterAll(async () => {
  await client?.delete().key(path)
  client?.close()
  await etcd?.stop()
})

function environment(): NodeJS.ProcessEnv {
  return { ETCDCTL_ENDPOINTS: etcd.endpoint, AT: path, HOSTILE }
}

/** Runs `locked` on a terminal; `args` are words of a shell, which has $AT and $HOSTILE. */
function onTerminal(args: string, env: NodeJS.ProcessEnv = {}): RunningCommand {
  const line = `"${process.execPath}" "${MAIN}" ${args}`
  return disposed(
    new RunningCommand('script', ['-qec', line, '/dev/null'], {
      ...environment(),
      SHELL: '/bin/sh',
      TERM: 'xterm',
      ...env,
    }),
  )
}

function inPipe(...args: readonly string[]): RunningCommand {
  return disposed(RunningCommand.lockedIn(environment(), ...args))
}

function disposed(command: RunningCommand): RunningCommand {
  onTestFinished(async () => {
    command[Symbol.dispose]()
    await command.exited
  })
  return command
}

/** What is no etcd, and answers each request by an error in which everything is hostile. Returns its port. */
async function startServer(): Promise<number> {
  const server = createServer()
  server.on('stream', (stream) => {
    const headers = {
      'grpc-status': '13',
      'grpc-message': encodeURI(`${HOSTILE}\nLOCKED 1: forged`),
      // A name that is none for gRPC, which complains of it.
      'x!hostile': '\x9b2J',
    }
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', ...headers },
      { endStream: true },
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** What a terminal was given, line by line. */
function linesOf({ output }: RunningCommand): readonly string[] {
  return output.replaceAll('\r\n', '\n').trimEnd().split('\n')
}

function expectNothingObeyed(command: RunningCommand): void {
  for (const line of linesOf(command)) expect(line).not.toMatch(OBEYED)
}

function expectHarmless(command: RunningCommand): void {
  expectNothingObeyed(command)
  expect(command.output).toContain(ESCAPED)
}

describe('on a terminal nothing is obeyed that others wrote', () => {
  test.each([
    ['get "$AT"', 0],
    ['get "$AT" --json', 0],
    ['candidates "$AT"', 0],
    ['candidates "$AT" --json', 0],
    ['transfer "$AT" --to "$HOSTILE" --command-timeout 2s', 1],
    ['get "$AT" --endpoints "$HOSTILE"', 2],
    ['get "$AT" --cacert "/nonexistent/$HOSTILE"', 2],
    ['get "$AT" "--$HOSTILE"', 2],
    ['"$HOSTILE"', 2],
    ['elect "$AT" --ttl "$HOSTILE" -- true', 2],
  ])('%s', async (args, code) => {
    const command = onTerminal(args)
    expect(await command.exited).toBe(code)
    expectHarmless(command)
  })

  test('what stands in the environment', async () => {
    const command = onTerminal('get "$AT"', { ETCDCTL_COMMAND_TIMEOUT: HOSTILE })
    expect(await command.exited).toBe(2)
    expectHarmless(command)
  })

  test.each([
    ['observe "$AT"', /value=/],
    ['observe "$AT" --json', /"holder"/],
    ['elect "$AT" -- true', /is held by/],
  ])('%s', async (args, printed) => {
    const command = onTerminal(args)
    await command.untilMatch(printed)
    command.type(CTRL_C)
    await command.exited
    // The terminal shows the key that was typed.
    const shownKey = command.output.replaceAll('^C', '')
    expect(shownKey).toContain(ESCAPED)
    for (const line of linesOf(command)) expect(line).not.toMatch(OBEYED)
  })

  test('what is told of an election with NODE_DEBUG, of its path and of its holder', async () => {
    const command = onTerminal('elect "$AT" --id "$HOSTILE" -- true', { ...DEBUG })
    const [line] = await command.untilMatch(/LOCKED \d+: .*the holder is .*/)
    command.type(CTRL_C)
    await command.exited
    // In the path, in the id and in the holder's.
    expect(line.split(ESCAPED)).toHaveLength(4)
    expectHarmless(command)
  })

  test('what is told with NODE_DEBUG of a server that is none', async () => {
    const port = await startServer()
    const command = onTerminal(`elect /path --endpoints 127.0.0.1:${port} -- true`, {
      ...DEBUG,
    })
    await command.untilMatch(/attempt 2: .*evil.*/)
    command.type(CTRL_C)
    await command.exited
    expectHarmless(command)
    expect(command.output).not.toMatch(/^LOCKED 1:/m)
  })

  test('what a server that is none answers, and what gRPC says of it', async () => {
    const get = `get /path --endpoints 127.0.0.1:${await startServer()} --command-timeout`
    const waiting = onTerminal(`${get} 1h`)
    await waiting.untilMatch(/Failed to add metadata entry x!hostile: \\u009b2J/)
    waiting.type(CTRL_C)
    await waiting.exited
    expectNothingObeyed(waiting)

    // Long enough for an answer, whose text is told in the end.
    const command = onTerminal(`${get} 10s`)
    expect(await command.exited).toBe(3)
    expectHarmless(command)
  })

  test('an error of such a server, however an app prints it', async () => {
    const port = await startServer()
    const code = `
      import locked from 'locked'
      const node = locked('127.0.0.1:${port}')('/path', { value: 1 })
      node.once('unreachable', (error) => {
        console.error(error)
        console.error('%o', new AggregateError([error], 'all'))
        process.emitWarning(error)
        setImmediate(() => { throw error })
      })
      node.start()
    `
    const command = disposed(
      new RunningCommand(
        'script',
        ['-qec', `"${process.execPath}" --input-type=module --eval "$CODE"`, '/dev/null'],
        { SHELL: '/bin/sh', TERM: 'xterm', NO_COLOR: '1', CODE: code },
      ),
    )
    expect(await command.exited).toBe(1)
    expect(command.output).toContain('[cause]')
    const others = linesOf(command).filter((line) => !line.startsWith('E '))
    for (const line of others) expect(line).not.toMatch(OBEYED)
    expect(command.output).toContain(ESCAPED)
  })

  test('the demo’s table and log, which are drawn with control sequences', async () => {
    const command = onTerminal('demo --no-dashboard --path "/$HOSTILE"')
    await command.untilMatch(/node-a select/)
    command.type('q')
    expect(await command.exited).toBe(0)
    expect(command.output).toContain(ESCAPED)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    expect(command.output).not.toMatch(/\x1b\]|[\x07\x80-\x9f\u202a-\u202e\u2066-\u2069]/)
  })

  test('JSON is JSON all the same', async () => {
    const get = onTerminal('get "$AT" --json')
    await get.exited
    expect(JSON.parse(linesOf(get)[0] ?? '')).toMatchObject({ id: record.id, value: record.value })
    const candidates = onTerminal('candidates "$AT" --json')
    await candidates.exited
    expect(JSON.parse(linesOf(candidates)[0] ?? '')).toMatchObject([
      { id: record.id, value: record.value, isHolder: true },
    ])
  })
})

describe('in a pipe it is what was written, byte for byte', () => {
  test('get', async () => {
    const get = inPipe('get', path)
    expect(await get.exited).toBe(0)
    expect(get.stdout).toBe(`${record.value}\n`)
  })

  test('JSON', async () => {
    const get = inPipe('get', path, '--json')
    expect(await get.exited).toBe(0)
    const { token } = JSON.parse(get.stdout)
    expect(get.stdout).toBe(`${JSON.stringify({ id: record.id, value: record.value, token })}\n`)
  })
})
