import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { documentedConfiguration } from '../dashboard/nginx.js'
import { assertBuilt, root } from '../package/built.js'
import { type Block, blocksIn, blocksOf, inlineCommandsOf } from './blocks.js'
import { checkCommand, commandsIn } from './commands.js'
import { DOCUMENTS } from './documents.js'
import { linksIn, linksOf, wrongWithLink } from './links.js'
import { isRun } from './shell.js'

beforeAll(assertBuilt)

describe.each(DOCUMENTS)('%s', (file) => {
  // Those that remain are run on etcd: see blocks.etcd.test.ts.
  test.each(blocksOf(file).map((block) => ({ name: `line ${block.line}`, block })))(
    'the block at $name is one that a rule covers',
    ({ block }) => {
      expect(wrongWith(block)).toBe(null)
    },
  )

  test('every command in its text is one that there is', () => {
    const wrong = inlineCommandsOf(file).map((command) => [command, checkCommand(command)])
    expect(wrong.filter(([, why]) => why !== null)).toEqual([])
  })

  test('every link leads somewhere: to a file, to a heading, or out by https', () => {
    expect(
      linksOf(file)
        .map((link) => wrongWithLink(file, link))
        .filter((why) => why !== null),
    ).toEqual([])
  })
})

test('a link that leads nowhere is told', () => {
  const wrong = (link: string) => wrongWithLink('docs/guide.md', link)
  expect(wrong('#no-such-heading')).toMatch(/no heading/)
  expect(wrong('reference.md#no-such-heading')).toMatch(/no heading/)
  expect(wrong('no-such-page.md')).toMatch(/no file/)
  expect(wrong('http://etcd.io')).toMatch(/https/)
  expect(linksIn('[a](b.md#c) <img src="d.png"> `[e](f)`\n\n```js\n[g](h)\n```\n')).toEqual([
    'b.md#c',
    'd.png',
  ])
})

test('the README is short, and leads to every page', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  expect(readme.split('\n').length - 1).toBeLessThanOrEqual(180)
  const links = linksOf('README.md').map((link) => link.replace(/#.*/, ''))
  const pages = DOCUMENTS.filter((file) => file !== 'README.md')
  expect(pages.filter((file) => !links.includes(file.replace(/\/README.md$/, '')))).toEqual([])
})

test('a block that no rule covers is told', () => {
  const [yaml, shell, typo] = blocksIn(
    'x.md',
    '```yaml\na: 1\n```\n\n```sh\nkubectl get pods\n```\n\n```sh\nlocked get / --jsn\n```\n',
  )
  expect(yaml && wrongWith(yaml)).toMatch(/no rule covers a block of yaml/)
  expect(shell && wrongWith(shell)).toMatch(/kubectl get pods: no rule covers it/)
  expect(typo && wrongWith(typo)).toMatch(/get has no --jsn/)
})

/** Why a block is not covered, or `null`. */
function wrongWith(block: Block): string | null {
  const { language, text } = block
  switch (language) {
    case 'js':
      return null
    case 'ts':
      return !isTest(block) || isQuoted(text) ? null : 'a test that is not one of ours'
    case 'sh': {
      if (isRun(block)) return null
      const wrong = commandsIn(text).map((command) => [command, checkCommand(command)])
      return wrong.find(([, why]) => why !== null)?.join(': ') ?? null
    }
    case 'nginx':
      // See test/dashboard/nginx.test.ts.
      return text === documentedConfiguration() ? null : 'a configuration that is not tested'
    case 'mermaid':
      // See statechart.test.ts.
      return block.file === 'docs/correctness.md' && text.startsWith('stateDiagram-v2\n')
        ? null
        : 'a diagram that is not the statechart'
  }
  return `no rule covers a block of ${language || 'no language'} (${block.file}:${block.line}): give it a language that is run, or add a rule to test/readme/blocks.test.ts`
}

/** Blocks that are tests are those of ours, word for word. */
function isQuoted(text: string): boolean {
  const folder = join(root, 'test', 'testing')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .map((test) =>
      test
        .replace("'../../src/index.js'", "'locked'")
        .replace("'../../src/testing/index.js'", "'locked/testing'"),
    )
    .includes(text)
}

function isTest({ text }: Block): boolean {
  return text.includes("from 'vitest'")
}
