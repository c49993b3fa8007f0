import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertBuilt, root } from './built.js'

const fixtures = join(root, 'test', 'package', 'fixtures')
const require = createRequire(import.meta.url)

interface Packed {
  readonly filename: string
  /** In bytes. */
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

let project: string
let packed: Packed

/** An empty project with nothing but the packed package installed, as a user installs it. */
beforeAll(() => {
  assertBuilt()
  project = mkdtempSync(join(tmpdir(), 'locked-package-'))
  const json = run(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', project],
    root,
  )
  const [only]: readonly Packed[] = JSON.parse(json)
  if (only === undefined) throw new Error(`npm packed nothing: ${json}`)
  packed = only
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  run('npm', [...install, join(project, packed.filename)], project)
  for (const name of readdirSync(fixtures)) {
    writeFileSync(join(project, name), readFileSync(join(fixtures, name)))
  }
})

afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true })
})

describe('the installed package', () => {
  test('is small, and holds what it needs only', () => {
    const kB = (bytes: number) => `${Math.round(bytes / 1_000)} kB`
    const { size, unpackedSize, files } = packed
    console.log(`package: ${kB(size)} packed, ${kB(unpackedSize)} unpacked, ${files.length} files`)
    expect(size).toBeLessThan(400_000)
    expect(unpackedSize).toBeLessThan(2_000_000)
    for (const { path } of files)
      expect(path).toMatch(
        /^(dist\/((commonjs\/)?(src|machines)\/|commonjs\/package\.json$)|[^/]+$)/,
      )
    expect(files.map(({ path }) => path).filter((path) => /\.test\.|fixtures/.test(path))).toEqual(
      [],
    )
  })

  test('is a function to require(), and the very same function to import', () => {
    expect(node('commonjs.cjs')).toEqual(['function', 'same', 'leader', 'a 10', 'stopped'])
  })

  test('runs when it is imported', () => {
    expect(node('esm.mjs')).toEqual(['function', 'leader', 'a 10', 'stopped', 'election'])
  })

  test.each(['require.cjs', 'import.mjs'])(
    'loads no etcd client and nothing of the CLI by being loaded (%s)',
    (script) => {
      const folder = mkdtempSync(join(project, 'loaded-'))
      run(process.execPath, [script], project, { NODE_V8_COVERAGE: folder })
      const loaded = loadedModules(folder)
      expect(
        loaded.filter((path) => /\/locked\/dist\/commonjs\/src\/locker\.js$/.test(path)),
      ).toHaveLength(1)
      const unwanted =
        /node_modules\/(etcd3|etcdjs|@grpc|cockatiel|protobufjs)\/|\/src\/(cli|dashboard|testing)\//
      expect(loaded.filter((path) => unwanted.test(path))).toEqual([])
    },
  )

  test('shows with the same measure that an etcd client is loaded when it is used', () => {
    const folder = mkdtempSync(join(project, 'loaded-'))
    run(process.execPath, ['uses-etcd.mjs'], project, { NODE_V8_COVERAGE: folder })
    expect(loadedModules(folder).some((path) => /node_modules\/etcd3\//.test(path))).toBe(true)
  })
})

describe('its types', () => {
  const settings = [
    { module: 'node16', moduleResolution: 'node16', files: ['types.mts', 'types.cts'] },
    { module: 'nodenext', moduleResolution: 'nodenext', files: ['types.mts', 'types.cts'] },
    { module: 'esnext', moduleResolution: 'bundler', files: ['types.mts', 'types-bundler.ts'] },
    { module: 'preserve', moduleResolution: 'bundler', files: ['types.mts', 'types-bundler.ts'] },
  ]

  beforeAll(() => {
    // Whoever compiles for Node.js has its types.
    const types = join(project, 'node_modules', '@types', 'node')
    if (existsSync(types)) return
    mkdirSync(dirname(types), { recursive: true })
    symlinkSync(packageFolder('@types/node'), types, 'junction')
  })

  test.each(settings)(
    'resolve with module $module and resolution $moduleResolution',
    ({ files, ...options }) => {
      expect(compile(files, options)).toBe('')
    },
    60_000,
  )

  test.each(settings)(
    'are not any, with module $module and resolution $moduleResolution',
    ({ files, ...options }) => {
      const wrong = files.map((name) => {
        const file = `wrong-${name}`
        const text = readFileSync(join(project, name), 'utf8')
        writeFileSync(join(project, file), text.replaceAll(/\/\/ @ts-expect-error.*/g, ''))
        return file
      })
      const said = compile(wrong, options)
      for (const file of wrong) expect(said).toContain(`${file}(`)
      expect(said).not.toContain('TS7016')
      expect(said).not.toContain('TS2307')
    },
    60_000,
  )

  function compile(files: readonly string[], options: object): string {
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
          ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
          ...options,
        },
        files,
      }),
    )
    const tsc = join(packageFolder('typescript'), 'bin', 'tsc')
    const { stdout, stderr, error } = spawnSync(process.execPath, [tsc, '-p', project], {
      cwd: project,
      encoding: 'utf8',
    })
    if (error) throw error
    return stdout + stderr
  }
})

function node(script: string): readonly string[] {
  return run(process.execPath, [script], project).trim().split('\n')
}

/** What V8 had compiled by the end of the process: the one list that has both kinds of modules. */
function loadedModules(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((file) => {
    const { result }: { readonly result: readonly { readonly url: string }[] } = JSON.parse(
      readFileSync(join(folder, file), 'utf8'),
    )
    return result.map(({ url }) => url.replaceAll('\\', '/'))
  })
}

function packageFolder(name: string): string {
  return dirname(require.resolve(`${name}/package.json`))
}

/** What the command wrote; throws if it failed or complained of anything. */
function run(command: string, args: readonly string[], cwd: string, env: object = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    shell: command === 'npm' && process.platform === 'win32',
  })
  if (error) throw error
  const complaint = command === 'npm' ? '' : stderr
  if (status !== 0 || complaint !== '') {
    throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  }
  return stdout
}
