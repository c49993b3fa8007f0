import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, parse } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { project } from './project.js'
import { run } from './run.js'

let folder: string
const made: string[] = []

beforeAll(() => {
  folder = project('compilers')
})

afterAll(() => {
  for (const one of made) rmSync(one, { recursive: true, force: true })
})

const esm = ['import.mts', 'require.cts']
const settings = [
  { module: 'node16', moduleResolution: 'node16', files: esm },
  { module: 'nodenext', moduleResolution: 'nodenext', files: esm },
  { module: 'esnext', moduleResolution: 'bundler', files: ['import.ts', 'import.mts'] },
  { module: 'commonjs', moduleResolution: 'node10', files: ['import.ts', 'require.ts'] },
]

describe.each(['5.4', '6', '7'])('TypeScript %s, which checks libraries too,', (version) => {
  // TypeScript 7 has no such resolution.
  const known = settings.filter((one) => version !== '7' || one.moduleResolution !== 'node10')

  test.each(known)('finds the types by $moduleResolution', async ({ files, ...options }) => {
    const at = mkdtempSync(join(folder, '.settings-'))
    made.push(at)
    const compilerOptions = {
      ...{ target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
      ...{ strict: true, noEmit: true, skipLibCheck: false, esModuleInterop: true },
      ...(version === '6' && { ignoreDeprecations: '6.0' }),
      ...options,
    }
    // The name alone says of a file which module system it is for.
    for (const file of files) copyFileSync(join(folder, `${parse(file).name}.ts`), join(at, file))
    writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    const tsc = join('node_modules', `typescript-${version}`, 'bin', 'tsc')
    const { status, text } = await run(process.execPath, [tsc, '-p', at], { cwd: folder })
    // What the types of others lack in some setting is theirs.
    const errors = text.split('\n').filter((line) => /error TS|^error/.test(line))
    expect(errors.filter((line) => !isOthers(line))).toEqual([])
    if (errors.length === 0) expect(status, text).toBe(0)
  })
})

function isOthers(line: string): boolean {
  return /node_modules\/(?!locked\/)/.test(line)
}
