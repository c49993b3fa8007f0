import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { project } from './project.js'
import { type Ended, run } from './run.js'

let folder: string
let etcd: Etcd
const made: string[] = []

beforeAll(async () => {
  folder = project('bundlers')
  etcd = await startEtcd()
})

afterAll(async () => {
  await etcd?.stop()
  for (const one of made) rmSync(one, { recursive: true, force: true })
})

const bundles = ['esbuild', 'rollup', 'webpack', 'vite'].flatMap((bundler) =>
  ['esm', 'cjs'].map((format) => ({ bundler, format, how: 'as it is' })),
)
const minified = ['esbuild', 'vite'].map((bundler) => ({ bundler, format: 'esm', how: 'minified' }))

describe.each([...bundles, ...minified])(
  'an app that $bundler has bundled as $format, $how',
  ({ bundler, format, how }) => {
    let bundled: string

    beforeAll(async () => {
      bundled = newFolder(join(tmpdir(), 'locked-bundled-'))
      const args = ['build.mjs', bundler, format, bundled, how]
      const { status, text } = await run(process.execPath, args, { cwd: folder })
      if (status !== 0) throw new Error(text)
    })

    test('runs with etcd where its dependencies are installed', async () => {
      const to = newFolder(join(folder, 'node_modules', '.bundled-'))
      cpSync(bundled, to, { recursive: true })
      const { status, text } = await runIn(to)
      // On a busy machine an answer may come too late: then it asks again.
      const lines = text.trim().split('\n')
      expect(lines.filter((line) => !line.startsWith('unreachable '))).toEqual([
        ...['one function', 'one class', 'one machine', 'leader on a clock of its own'],
        ...['leader', 'leader'],
      ])
      expect(status).toBe(0)
    })

    test('runs elsewhere, and says once what is missing for etcd', async () => {
      const { status, text } = await runIn(bundled)
      const [error, rejection, ...more] = text.trim().split('\n').slice(5)
      expect(text).toMatch(/^one function\none class\none machine\nleader on a clock.*\nleader\n/)
      expect(error).toMatch(
        /^error RefusedError etcd3, the client of etcd, cannot be loaded: .*; install locked/,
      )
      expect(rejection).toBe('rejects with RefusedError')
      expect(more).toEqual([])
      expect(status).toBe(0)
    })

    function runIn(cwd: string): Promise<Ended> {
      const app = format === 'esm' ? 'app.mjs' : 'app.cjs'
      return run(process.execPath, [app], { cwd, env: { HOSTS: etcd.endpoint } })
    }
  },
)

function newFolder(prefix: string): string {
  const folder = mkdtempSync(prefix)
  made.push(folder)
  return folder
}
