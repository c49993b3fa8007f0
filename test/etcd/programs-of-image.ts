import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cached.js'
import { imageOf } from './image.js'
import { versionOf } from './version.js'

const run = promisify(execFile)
/** There is no etcdutl before 3.5. */
const PROGRAMS = { etcd: true, etcdctl: true, etcdutl: false }

/**
 * Copies the programs of a version from etcd's official image into the cache. Needs the command
 * `docker`, and an engine that has the image or can pull it. Resolves with the folder.
 */
export async function copyFromImage(asked: string, env: NodeJS.ProcessEnv): Promise<string> {
  const image = imageOf(asked)
  const docker = async (...args: readonly string[]) => {
    const { stdout } = await run('docker', args, { env, timeout: 600_000 })
    return stdout.trim()
  }
  return await cached(`etcd-image-${image.replace(/^.*:v/, '')}`, async (root) => {
    const bin = join(root, 'usr', 'bin')
    mkdirSync(bin, { recursive: true })
    // It is never started: it is there to be copied from.
    const container = await docker('create', image, 'etcd')
    try {
      for (const [program, isNeeded] of Object.entries(PROGRAMS)) {
        const copying = docker('cp', `${container}:/usr/local/bin/${program}`, join(bin, program))
        await copying.catch((error: unknown) => {
          if (isNeeded) throw error
        })
      }
    } finally {
      await docker('rm', container)
    }
    // An image is for Linux, and this machine may be another.
    await versionOf(join(bin, 'etcd'))
  })
}
