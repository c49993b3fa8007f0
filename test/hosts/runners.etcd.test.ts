import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { root } from '../package/built.js'
import { project } from './project.js'
import { type Ended, run } from './run.js'

const DENO = ['--allow-all', '--no-check', '--node-modules-dir=manual']

let folder: string
let runtimes: string
let etcd: Etcd

beforeAll(async () => {
  folder = project('runners')
  runtimes = project('runtimes')
  // The name alone says which module system it is for.
  copyFileSync(join(folder, 'app.ts'), join(folder, 'app.mts'))
  etcd = await startEtcd()
})

afterAll(async () => {
  rmSync(join(folder, 'app.mts'), { force: true })
  await etcd?.stop()
})

// None is told to end the process by itself: a run that something keeps open is killed, without a status.
describe('tests of an app, with etcd and with faked timers, run and end by themselves', () => {
  describe.each(['29', '30'])('with Jest %s', (version) => {
    test.each([
      ['require', 'cjs', []],
      ['import', 'mjs', ['--experimental-vm-modules']],
    ])('and %s', async (_how, extension, flags) => {
      const jest = `node_modules/jest-${version}/bin/jest.js`
      const ended = await node(...flags, jest, '--ci', `locked.test.${extension}`)
      expect(ended).toMatchObject({ status: 0, text: expect.stringContaining(' 4 passed') })
    })
  })

  test('with mocha', async () => {
    const ended = await node('node_modules/mocha/bin/mocha.js', '--no-exit', 'mocha/*')
    expect(ended).toMatchObject({ status: 0, text: expect.stringContaining('5 passing') })
  })

  test('with node --test', async () => {
    const ended = await node('--test', '--test-reporter=tap', 'node/locked.test.mjs')
    expect(ended).toMatchObject({ status: 0, text: expect.stringContaining('# pass 4') })
  })

  test('with vitest', async () => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const ended = await node(vitest, 'run', '--root', 'vitest')
    expect(ended).toMatchObject({ status: 0, text: expect.stringMatching(/Tests .*6 passed/) })
  })

  test('with bun test', async () => {
    const ended = await runtime(/^bun$/, ['test', './bun'])
    expect(ended).toMatchObject({ status: 0, text: expect.stringContaining(' 4 pass\n') })
  })

  test('with deno test', async () => {
    const ended = await runtime(/^deno$/, ['test', ...DENO, 'deno'])
    expect(ended).toMatchObject({ status: 0, text: expect.stringContaining('4 passed | 0 failed') })
  })
})

describe('an app runs and ends by itself', () => {
  test.each(['app.ts', 'app.mts'])('with tsx: %s', async (app) => {
    expectRun(await node('node_modules/tsx/dist/cli.mjs', app))
  })

  test.each(['app.ts', 'app.cts'])('with ts-node: %s', async (app) => {
    expectRun(await node('node_modules/ts-node/dist/bin.js', app))
  })

  test.each(['app.mjs', 'app.ts', 'app.cts'])('with Bun: %s', async (app) => {
    expectRun(await runtime(/^bun$/, ['run', app]))
  })

  test.each(['app.mjs', 'app.mts', 'app.cts'])('with Deno: %s', async (app) => {
    expectRun(await runtime(/^deno$/, ['run', ...DENO, app]))
  })
})

function expectRun(ended: Ended): void {
  expect(ended).toEqual({ status: 0, text: 'leader true\nleader true\ntrue election\n0\n' })
}

function node(...args: readonly string[]): Promise<Ended> {
  return run(process.execPath, args, { cwd: folder, env: environment() })
}

/** Runs the program of that name which npm brought for this platform. */
function runtime(name: RegExp, args: readonly string[]): Promise<Ended> {
  return run(programIn(join(runtimes, 'node_modules'), name), args, {
    cwd: folder,
    env: environment(),
  })
}

/** Of the packages for the platforms that a runtime is made for, npm has installed this one's. */
function programIn(modules: string, name: RegExp): string {
  const found = readdirSync(modules, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && name.test(file.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .find((file) => /[\\/]@(oven|deno)[\\/]/.test(file))
  if (found === undefined) throw new Error(`npm brought no program ${name} for this platform`)
  return found
}

function environment(): NodeJS.ProcessEnv {
  return { HOSTS: etcd.endpoint, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
}
