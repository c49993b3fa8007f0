import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * apt with lists and a cache of its own in a folder, so that it needs no root, the machine's may be
 * empty, and nothing of the machine is changed.
 */
export class Apt {
  readonly #folder: string
  readonly #options: readonly string[]

  readonly #env: NodeJS.ProcessEnv

  /** `sources` are lines as in a sources.list, in place of the machine's. */
  constructor(
    folder: string,
    { sources, env = process.env }: { sources?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ) {
    const lists = join(folder, 'lists')
    const archives = join(folder, 'cache')
    for (const each of [lists, archives]) mkdirSync(join(each, 'partial'), { recursive: true })
    this.#folder = folder
    this.#env = env
    const options = [
      `Dir::State::lists=${lists}`,
      `Dir::Cache=${archives}`,
      `Dir::Cache::archives=${archives}`,
      // As root, apt would download as a user who may not write here.
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
      // What software centres show takes as long as all the rest.
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
      'Acquire::Retries=3',
    ]
    if (sources !== undefined) {
      const list = join(folder, 'sources.list')
      writeFileSync(list, sources.map((line) => `${line}\n`).join(''))
      options.push(`Dir::Etc::sourcelist=${list}`, 'Dir::Etc::sourceparts=-')
    }
    this.#options = options.flatMap((option) => ['-o', option])
  }

  /** Fetches the lists. */
  async update(): Promise<void> {
    await this.get('update')
  }

  /** Downloads packages (`name` or `name=version`), and unpacks them. */
  async unpack(packages: readonly string[], root: string): Promise<void> {
    await this.get('download', ...packages)
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.deb'))
    if (files.length === 0) throw new Error('apt-get download left no package behind')
    for (const file of files) await run('dpkg', ['-x', join(this.#folder, file), root])
    if (!existsSync(root)) throw new Error(`dpkg unpacked nothing of ${files.join(', ')}`)
  }

  /** `apt-get`, with what it printed. */
  get(...args: readonly string[]): Promise<string> {
    return this.#run('apt-get', args)
  }

  /** `apt-cache`, with what it printed. */
  cache(...args: readonly string[]): Promise<string> {
    return this.#run('apt-cache', args)
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run(program, [...this.#options, ...args], {
      cwd: this.#folder,
      env: { ...this.#env, LC_ALL: 'C' },
      timeout: 300_000,
      maxBuffer: 2 ** 26,
    })
    return stdout
  }
}
