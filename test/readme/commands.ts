import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAIN } from '../cli/command.js'
import { root } from '../package/built.js'

const manifest: {
  readonly name: string
  readonly scripts: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

interface Rule {
  readonly command: RegExp
  /** What is wrong with it, or `null`. */
  check(match: RegExpExecArray): string | null
}

/** What can be checked of commands that no test can run here: they go on for ever, or take too long. */
const RULES: readonly Rule[] = [
  {
    command: /^npm install (\S+)$/,
    check: ([, name = '']) =>
      name === manifest.name || name in manifest.peerDependencies
        ? null
        : `${name} is neither this package nor one of its peers`,
  },
  { command: /^npm (ci|cit)$/, check: () => null },
  { command: /^npm (start|test)( -- .*)?$/, check: ([, script = '']) => hasScript(script) },
  { command: /^npm run (\S+)( -- .*)?$/, check: ([, script = '']) => hasScript(script) },
  {
    command: /^npx vitest run((?: \S+)+)$/,
    check: ([, paths = '']) => first(paths.trim().split(' ').map(hasTests)),
  },
  { command: /^npx (biome|knip|tsc)( .*)?$/, check: () => null },
  {
    command: /^(?:npx )?locked ([a-z]+)\b(.*)$/,
    check: ([, name = '', rest = '']) => usage(name, rest),
  },
  { command: /^docker build -t \S+ \.$/, check: () => null },
  { command: /^kubectl apply -f (\S+)$/, check: ([, file = '']) => isThere(file) },
  { command: /^psql -h "\$\((.*)\)"$/, check: ([, inner = '']) => checkCommand(inner) },
  { command: /^(?:[A-Z_]+=\S+ )*(?:node|bash) (\S+)$/, check: ([, file = '']) => isThere(file) },
]

/** What is wrong with a command, in words, or `null`. */
export function checkCommand(command: string): string | null {
  for (const rule of RULES) {
    const match = rule.command.exec(command)
    if (match !== null) return rule.check(match)
  }
  return 'no rule covers it: add one to test/readme/commands.ts, or to what is run in test/readme/shell.ts'
}

/** The commands of a shell block: comments are left out, and lines that go on are one. */
export function commandsIn(text: string): readonly string[] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
    .filter((line) => line !== '')
}

function hasScript(name: string): string | null {
  return name in manifest.scripts ? null : `package.json has no script ${name}`
}

/** As vitest does: a part of a test's path chooses it. */
function hasTests(part: string): string | null {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  const tests = files.filter((file) => file.endsWith('.test.ts')).map((file) => `test/${file}`)
  return tests.some((file) => file.includes(part)) ? null : `no test is at ${part}`
}

function isThere(file: string): string | null {
  return existsSync(join(root, file)) ? null : `there is no file ${file}`
}

/** Checks a command of ours against its own help. What stands behind `--` is not ours. */
function usage(name: string, rest: string): string | null {
  const help = helpOf(name)
  if (help === null) return `locked has no command ${name}`
  const [ours = ''] = rest.split(' -- ')
  const options = ours.match(/(?<=\s)--?[a-z][a-z-]*/g) ?? []
  return first(
    options.map((option) =>
      new RegExp(`^ .*(?<=[ ,])${option}\\b`, 'm').test(help) ? null : `${name} has no ${option}`,
    ),
  )
}

const helps = new Map<string, string | null>()

function helpOf(name: string): string | null {
  let help = helps.get(name)
  if (help === undefined) {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, name, '--help'], {
      encoding: 'utf8',
    })
    help = status === 0 && stdout.startsWith(`Usage: locked ${name} `) ? stdout : null
    helps.set(name, help)
  }
  return help
}

function first(wrongs: readonly (string | null)[]): string | null {
  return wrongs.find((wrong) => wrong !== null) ?? null
}
