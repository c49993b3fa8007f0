import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { RESULTS, readResults } from '../../bench/results.js'
import { goalsOf, rounded, tableOf, titleOf } from '../../bench/table.js'

/** Of these README tells. */
const IN_README = ['handover', 'handover-new', 'many-paths', 'takeover-stop']

const root = fileURLToPath(new URL('../..', import.meta.url))

test('the tables in docs/performance.md are those that the runs in the repository have measured', () => {
  const runs = readResults(join(root, RESULTS))
  const page = readFileSync(join(root, 'docs/performance.md'), 'utf8')
  expect(runs.length).toBeGreaterThan(0)
  for (const run of runs) {
    expect(page).toContain(`### ${titleOf(run)}\n\n${tableOf(run.results)}`)
  }
  expect(page).toContain(goalsOf(runs))
})

test.each(IN_README)('README tells the median of %s in the first of these runs', (name) => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll('\n', ' ')
  const [first] = readResults(join(root, RESULTS))
  const row = first?.results.find((one) => one.name === name)
  const of = row?.figures.find(({ figure }) => figure === 'ms')?.of
  const told = (contender: 'locked' | 'etcd3' | 'go') =>
    rounded(of?.[contender]?.median ?? Number.NaN)
  const others = `[^)]*\\b${told('etcd3')}[^)]*\\b${told('go')}`
  expect(readme).toMatch(new RegExp(`\\b${told('locked')} ms \\(${others}\\)`))
})
