import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

test('the bench measures a row for all contenders, and prints and writes it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'locked-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const json = join(folder, 'figures.json')
  const { stdout } = await bench('--quick', '--only', 'many-paths', '--json', json)
  expect(stdout).toMatch(
    /\| 5,000 paths elected in one process, from nothing \| ms \| [\d.,]+ \(of 1\) \|/,
  )
  const { results } = JSON.parse(readFileSync(json, 'utf8'))
  const figures = results[0].figures.map(({ figure }: { figure: string }) => figure)
  expect(figures).toEqual(['ms', 'requests'])
  for (const { of } of results[0].figures) {
    // And Go's, where there is Go.
    expect(Object.keys(of).filter((name) => name !== 'go')).toEqual(['locked', 'etcd3', 'floor'])
  }
})

test('the bench says which rows there are when asked for another', async () => {
  await expect(bench('--only', 'nothing')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/there is no row nothing[\s\S]*many-paths/),
  })
})

function bench(...args: readonly string[]) {
  return run(process.execPath, ['scripts/bench.mjs', 'main', ...args], {
    cwd: root,
    // It looks for an etcd by itself.
    env: { ...process.env, VITEST: undefined },
  })
}
