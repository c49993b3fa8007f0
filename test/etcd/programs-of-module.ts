import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache-folder.js'
import { cached } from './cached.js'

const run = promisify(execFile)
const SERVER = 'go.etcd.io/etcd/server/v3'
/** The modules of each program. They have been modules since 3.5. */
const MODULES = {
  etcd: SERVER,
  etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
  etcdutl: 'go.etcd.io/etcd/etcdutl/v3',
}

/**
 * Builds the programs of a version (the newest, if `3.5` is asked for) into the cache. Needs Go and
 * the module proxy. Resolves with the folder.
 */
export async function buildFromModule(asked: string, env: NodeJS.ProcessEnv): Promise<string> {
  const work = mkdtempSync(join(cacheFolder(), 'unpacking-'))
  const go = async (...args: readonly string[]) => {
    const { stdout } = await run('go', args, {
      cwd: work,
      // A workspace around this folder, or flags for it, are nothing to these modules.
      env: { ...env, GOWORK: 'off', GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
      timeout: 1_200_000,
      maxBuffer: 2 ** 26,
    })
    return stdout.trim()
  }
  try {
    // `go install …@version` refuses modules with replace lines; those of a dependency do not count.
    await go('mod', 'init', 'locked.test/etcd')
    await go('get', ...Object.values(MODULES).map((module) => `${module}@v${asked}`))
    const version = await go('list', '-m', '-f', '{{.Version}}', SERVER)
    return await cached(`etcd-module-${version.replace(/^v/, '')}`, async (root) => {
      for (const [program, module] of Object.entries(MODULES)) {
        await go('build', '-o', join(root, 'usr', 'bin', program), module)
      }
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
