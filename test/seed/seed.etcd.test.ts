import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Etcd3 } from 'etcd3'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { servesV2 } from '../etcd/abilities.js'
import { startEtcd } from '../etcd/index.js'
import { V2Operator } from '../etcd/v2-operator.js'
import { assertBuilt, root } from '../package/built.js'

/** The usage in the README that started this package, word for word. */
const usage = fileURLToPath(new URL('usage.txt', import.meta.url))
/** The same with an existing etcdjs object, as that README goes on, and with its other calls. */
const usageOfEtcdjs = fileURLToPath(new URL('usage-etcdjs.txt', import.meta.url))
const ports = [4001, 4002]

beforeAll(assertBuilt)

test('the usage of the seed runs as it stands, in a project of its own', async () => {
  const etcd = await startEtcd({ clientPorts: ports })
  onTestFinished(etcd.stop)
  const project = makeProject(usage)
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
})

test.runIf(servesV2())(
  'the usage with an existing etcdjs object runs, in a project of its own',
  async () => {
    const etcd = await startEtcd({ clientPorts: ports, enableV2: true })
    onTestFinished(etcd.stop)
    const operator = new V2Operator(etcd.endpoint)
    const project = makeProject(usageOfEtcdjs)
    const first = run(project, 'node1')
    expect(await first.line()).toBe('10 was written by node1')
    expect(await first.line()).toBe('elected with 10')
    expect(await first.line()).toBe('the id is node1 and the value is 10')
    expect(JSON.parse((await operator.get('/master')).node?.value ?? '')).toMatchObject({
      id: 'node1',
      value: 10,
    })

    const second = run(project, 'node2')
    expect(await second.line()).toBe('10 was written by node1')
    expect(await first.line()).toBe('refreshed with 10')
    await first.kill()
    expect(await second.line()).toBe('10 was written by node2')
    expect(await second.line()).toBe('elected with 10')
    expect(await second.line()).toBe('the id is node2 and the value is 10')
    // It stops at its end of input, and then has nothing left to live for.
    expect(await second.end()).toBe(0)
    expect((await operator.get('/master')).node).toBeUndefined()
    expect([first.complaints(), second.complaints()]).toEqual(['', ''])
  },
)

/** An empty CommonJS project that holds a usage and has this package installed. */
function makeProject(usage: string): string {
  const project = mkdtempSync(join(tmpdir(), 'locked-seed-'))
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules', 'locked'), 'junction')
  const etcdjs = join(root, 'node_modules', 'etcdjs')
  symlinkSync(etcdjs, join(project, 'node_modules', 'etcdjs'), 'junction')
  copyFileSync(usage, join(project, 'index.js'))
  return project
}

function run(project: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, ['index.js', ...args], { cwd: project })
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
    /** Ends its input. Resolves with its exit code. */
    async end(): Promise<unknown> {
      child.stdin.end()
      const [code] = await closed
      return code
    },
    complaints: () => complaints,
    async line(): Promise<string> {
      const { value, done } = await lines.next()
      if (done) throw new Error(`the process has ended: ${complaints}`)
      return value
    },
  }
}
