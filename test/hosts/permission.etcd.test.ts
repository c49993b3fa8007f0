import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAIN } from '../cli/command.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { assertBuilt, root } from '../package/built.js'
import { type Ended, run } from './run.js'

// The permission model of the Node.js that runs this. Before 22.13 it was an experiment, and from 25 on
// it keeps a process from the network, too.
const flags = process.allowedNodeEnvironmentFlags
const MODEL = flags.has('--permission') ? '--permission' : '--experimental-permission'
const keepsFromNetwork = flags.has('--allow-net')
const NETWORK = keepsFromNetwork ? ['--allow-net'] : []
/** The folder of the app, in which its packages are. */
const READ = `--allow-fs-read=${join(root, '*')}`

let etcd: Etcd

beforeAll(async () => {
  assertBuilt()
  etcd = await startEtcd()
})

afterAll(async () => {
  await etcd?.stop()
})

describe('an app that may read its own folder and nothing else', () => {
  test('is elected in memory', async () => {
    expect(await app([READ], { HOSTS: 'memory:' })).toEqual({
      status: 0,
      text: 'leader\nstopped\n',
    })
  })

  test('is elected through etcd, with the network where that has to be allowed', async () => {
    expect(await app([READ, ...NETWORK], { HOSTS: etcd.endpoint })).toEqual({
      status: 0,
      text: 'leader\nstopped\n',
    })
  })

  test('finds a name by DNS, and is inspected, where it may not read /etc/hosts', async () => {
    const env = { HOSTS: 'memory:', LOCKED_INSPECT: 'ws://a-name.invalid:1', NODE_DEBUG: 'locked' }
    const { status, text } = await app([READ, ...NETWORK], env)
    expect(text).toMatch(/leader\n(.*\n)*stopped/)
    expect(text).not.toMatch(/ERR_ACCESS_DENIED/)
    expect(status).toBe(0)
  })

  test('is told once where it may not reach the network', async () => {
    const { status, text } = await app([READ], { HOSTS: etcd.endpoint })
    const refused =
      /^error RefusedError .*has to be given --allow-net\nrejects with RefusedError\nstopped\n$/
    expect(text).toMatch(keepsFromNetwork ? refused : /^leader\nstopped\n$/)
    expect(status).toBe(0)
  })
})

describe('`locked`, which may read its own folder and nothing else,', () => {
  test('asks', async () => {
    const ended = await locked(['get', '/permission/nobody', '--json'])
    expect(ended).toEqual({ status: 1, text: 'null\n' })
  })

  test('says why it elects nobody: it may not run the command', async () => {
    const ended = await locked(['elect', '/permission/elect', '--', 'echo', 'led'])
    expect(ended).toEqual({
      status: 126,
      text: expect.stringMatching(/^error: elect: .* give it --allow-child-process as well\n$/),
    })
  })

  test('elects where it may', async () => {
    const ended = await locked(
      ['elect', '/permission/elect', '--', 'echo', 'led'],
      ['--allow-child-process'],
    )
    expect(ended).toEqual({ status: 0, text: expect.stringMatching(/^led$/m) })
  })

  test('says which file it may not read', async () => {
    const file = '/etc/hostname'
    expect(existsSync(file)).toBe(true)
    const ended = await locked(['get', '/permission/nobody', '--cacert', file])
    expect(ended).toEqual({ status: 2, text: expect.stringMatching(/^error: .*\/etc\/hostname/) })
  })

  function locked(args: readonly string[], more: readonly string[] = []): Promise<Ended> {
    return node([READ, ...NETWORK, ...more, MAIN, ...args], { ETCDCTL_ENDPOINTS: etcd.endpoint })
  }
})

function app(permissions: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return node([...permissions, join(root, 'test', 'hosts', 'permission', 'app.mjs')], env)
}

function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  // That the model, or a part of it, is an experiment is told by some versions of Node.js.
  const quiet = '--disable-warning=ExperimentalWarning'
  return run(process.execPath, [MODEL, quiet, ...args], { cwd: root, env })
}
