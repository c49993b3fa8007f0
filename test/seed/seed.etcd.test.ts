import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Etcd3 } from 'etcd3'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startEtcd } from '../etcd/index.js'
import { assertBuilt, root } from '../package/built.js'

/** The usage in the README that started this package, word for word. */
const usage = fileURLToPath(new URL('usage.txt', import.meta.url))
const ports = [4001, 4002]

beforeAll(assertBuilt)

test('the usage of the seed runs as it stands, in a project of its own', async () => {
  const etcd = await startEtcd({ clientPorts: ports })
  onTestFinished(etcd.stop)
  const project = makeProject()
  const first = run(project)
  expect(await first.line()).toBe('10 was written by node1')
  expect(await first.line()).toBe('this server has been elected as the master!')

  const client = new Etcd3({ hosts: ports.map((port) => `http://127.0.0.1:${port}`) })
  onTestFinished(() => client.close())
  expect(JSON.parse(`${await client.get('/master').string()}`)).toMatchObject({
    id: 'node1',
    value: 10,
  })

  // The same once more: it has the same id, and must wait for the first.
  const second = run(project)
  expect(await second.line()).toBe('10 was written by node1')
  await first.kill()
  // Another reign is not another value: only `selected` is told.
  expect(await second.line()).toBe('10 was written by node1')
  expect(await second.line()).toBe('this server has been elected as the master!')
  await second.kill()
  expect([first.complaints(), second.complaints()]).toEqual(['', ''])
}, 120_000)

/** An empty CommonJS project that holds the usage and has this package installed. */
function makeProject(): string {
  const project = mkdtempSync(join(tmpdir(), 'locked-seed-'))
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules', 'locked'), 'junction')
  copyFileSync(usage, join(project, 'index.js'))
  return project
}

function run(project: string) {
  const child = spawn(process.execPath, ['index.js'], { cwd: project })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const kill = async () => {
    child.kill('SIGKILL')
    await closed
  }
  onTestFinished(kill)
  return {
    kill,
    complaints: () => complaints,
    async line(): Promise<string> {
      const { value, done } = await lines.next()
      if (done) throw new Error(`the process has ended: ${complaints}`)
      return value
    },
  }
}
