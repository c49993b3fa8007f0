import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import locked from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { assertBuilt } from '../package/built.js'
import { type Block, blocksOf } from './blocks.js'
import { isForBrowser, runInBrowser } from './browser.js'
import { DOCUMENTS } from './documents.js'
import { runScript } from './scripts.js'
import { endlessCommandsIn, firstLineOf, isRun, runShell } from './shell.js'

let etcd: Etcd

beforeAll(async () => {
  assertBuilt()
  // The documents' paths are always the same.
  etcd = await startEtcd({ own: true })
})

afterAll(async () => {
  await etcd?.stop()
})

const blocks = DOCUMENTS.flatMap(blocksOf)

describe('a block of code does what is said', () => {
  test.each(named(blocks.filter(isScript)))('$name', async ({ block }) => {
    const output = await runScript(block, etcd.endpoint)
    expectOutput(output, block)
  })
})

test.each(named(blocks.filter(isForBrowser)))(
  'a block for a browser opens the inspector: $name',
  async ({ block }) => {
    expect(await runInBrowser(block)).toMatch(/^https:\/\/stately\.ai\//)
  },
)

describe('a block of commands runs, while server-1 leads /jobs/nightly and server-2 waits', () => {
  test.each(named(blocks.filter((block) => block.language === 'sh' && isRun(block))))(
    '$name',
    async ({ block }) => {
      // Some change what other blocks would find.
      const own = await startEtcd({ own: true })
      onTestFinished(own.stop)
      for (const id of ['server-1', 'server-2']) {
        const node = locked(own.endpoint)('/jobs/nightly', { id, value: id })
        onTestFinished(() => node.stop())
        await node.start()
      }
      const output = await runShell(block, own.endpoint)
      expectOutput(output, block)
    },
  )
})

const endless = blocks.flatMap((block) =>
  endlessCommandsIn(block).map((command) => ({ name: `${block.file}: ${command}`, command })),
)

test('there are commands that go on', () => {
  expect(endless.length).toBeGreaterThanOrEqual(4)
})

describe('a command that goes on begins, and prints a line', () => {
  test.each(endless)('$name', async ({ command }) => {
    const own = await startEtcd({ own: true })
    onTestFinished(own.stop)
    const node = locked(own.endpoint)('/db/primary', { id: 'server-1', value: '10.0.0.1' })
    onTestFinished(() => node.stop())
    await node.start()
    expect(await firstLineOf(command, own.endpoint)).toMatch(FIRST_LINE)
  })
})

/** Of what is documented: what a command of \`elect\` prints, who holds a path, where the dashboard is. */
const FIRST_LINE =
  /cleans up|^locked: leads |\/jobs\/cleanup|\/db\/primary|the dashboard is at http/

/** Where the document has `…`, anything may stand on that line. */
function expectOutput(output: string, block: Block): void {
  if (block.output === null) return
  const parts = block.output
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  expect(output).toMatch(new RegExp(`^${parts.join('.+')}$`))
}

function isScript(block: Block): boolean {
  const { language, text } = block
  if (isForBrowser(block)) return false
  return language === 'js' || (language === 'ts' && !text.includes("from 'vitest'"))
}

function named(some: readonly Block[]) {
  return some.map((block) => ({ name: `${block.file}:${block.line}`, block }))
}
