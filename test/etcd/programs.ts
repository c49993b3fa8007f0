import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache-folder.js'
import { imageOf } from './image.js'
import { unpackFromDebian } from './programs-of-debian.js'
import { copyFromImage } from './programs-of-image.js'
import { buildFromModule } from './programs-of-module.js'
import { isVersion, newestFirst, parseVersion, versionOf } from './version.js'

/** The programs of one version of etcd, as paths or as names on the PATH. */
export interface EtcdPrograms {
  readonly from: 'path' | 'package' | 'module' | 'image'
  readonly version: string
  readonly etcd: string
  readonly etcdctl: string
  /** There is none before 3.5: etcdctl does its work. */
  readonly etcdutl: string | null
}

/**
 * The programs of a version of etcd, `3.5` (whichever of it is found) or `3.5.30`: the first that
 * there are of those on the PATH, those got before, Debian's packages (of any suite that the
 * machine's mirror has, whatever suite the machine runs), Go's modules and etcd's official image.
 * Rejects if there are none, saying what was tried and what to do.
 */
export async function etcdPrograms(
  text: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<EtcdPrograms> {
  const asked = parseVersion(text)
  const ways = {
    'the PATH': () => fromPath(asked, env),
    'those got before': () => fromCache(asked),
    "Debian's packages": () => unpackFromDebian(asked, env).then(programsIn),
    "Go's modules": () => buildFromModule(asked, env).then(programsIn),
    'the official image': () => copyFromImage(asked, env).then(programsIn),
  }
  const tried: string[] = []
  for (const [name, find] of Object.entries(ways)) {
    try {
      return await find()
    } catch (error) {
      tried.push(`  ${name}: ${error instanceof Error ? error.message.trim() : error}`)
    }
  }
  throw new Error(`Found no etcd ${asked}. Tried:
${tried.join('\n')}
Do one of these, and run it again:
  - put etcd and etcdctl of that version on the PATH
  - on Debian, see that apt can reach a mirror that has it ('apt-cache policy' names yours)
  - for 3.5 and later, put Go on the PATH, with a module proxy that it can reach (GOPROXY)
  - on Linux, start Docker, which can pull ${imageOf(asked)}`)
}

async function fromPath(asked: string, env: NodeJS.ProcessEnv): Promise<EtcdPrograms> {
  const version = await versionOf('etcd', env)
  if (!isVersion(version, asked)) throw new Error(`etcd is ${version}`)
  const ctl = await versionOf('etcdctl', env)
  if (ctl !== version) throw new Error(`etcd is ${version}, and etcdctl ${ctl}`)
  const utl = await versionOf('etcdutl', env).catch(() => null)
  return {
    from: 'path',
    version,
    etcd: 'etcd',
    etcdctl: 'etcdctl',
    etcdutl: utl === version ? 'etcdutl' : null,
  }
}

async function fromCache(asked: string): Promise<EtcdPrograms> {
  const cache = cacheFolder()
  const [newest] = readdirSync(cache)
    .map((name) => /^etcd-(?:package|module|image)-(\d+\.\d+\.\d+)$/.exec(name))
    .flatMap((match) => (match !== null && isVersion(match[1] ?? '', asked) ? [match] : []))
    .sort(([, a = ''], [, b = '']) => newestFirst(a, b))
  if (newest === undefined) throw new Error(`none of that version in ${cache}`)
  return await programsIn(join(cache, newest[0]))
}

/** What there is in a folder of the cache. */
async function programsIn(folder: string): Promise<EtcdPrograms> {
  const program = (name: string) => join(folder, 'usr', 'bin', name)
  const from = (['module', 'image'] as const).find((one) => folder.includes(`etcd-${one}-`))
  return {
    from: from ?? 'package',
    version: await versionOf(program('etcd')),
    etcd: program('etcd'),
    etcdctl: program('etcdctl'),
    etcdutl: existsSync(program('etcdutl')) ? program('etcdutl') : null,
  }
}
