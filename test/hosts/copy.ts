import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as Locked from '../../src/index.js'
import type * as Testing from '../../src/testing/index.js'
import { assertBuilt, root } from '../package/built.js'

/** One of several copies of the package in this process. */
export interface Copy {
  readonly name: string
  readonly package: typeof Locked
  readonly testing: typeof Testing
  /** Where it resolves what it depends on, and itself. */
  readonly require: NodeJS.Require
}

/** Where copies are installed: what they do not have themselves is found in the folders above. */
export class Copies {
  readonly #folder = mkdtempSync(join(root, 'node_modules', '.copies-'))

  constructor() {
    assertBuilt()
  }

  /**
   * Installs the package as it is built now, as the dependency of a package called `name`, and loads it.
   *
   * @param own Which dependencies it does not share with the others.
   */
  install(
    name: string,
    { version, own = [] }: { version?: string; own?: readonly string[] } = {},
  ): Copy {
    const modules = join(this.#folder, name, 'node_modules')
    const folder = join(modules, 'locked')
    mkdirSync(folder, { recursive: true })
    cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ ...manifest, version: version ?? manifest.version }),
    )
    for (const dependency of own) {
      const to = join(modules, dependency)
      mkdirSync(dirname(to), { recursive: true })
      cpSync(join(root, 'node_modules', dependency), to, { recursive: true, dereference: true })
    }
    const require = createRequire(join(this.#folder, name, 'index.cjs'))
    return { name, package: require('locked'), testing: require('locked/testing'), require }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
