import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Apt } from './apt.js'
import { cacheFolder } from './cache-folder.js'
import { cached } from './cached.js'
import { isVersion, newestFirst } from './version.js'

/** Debian's suites with an etcd of 3.4 or later. Their programs run on any of them. */
const SUITES = ['bookworm', 'trixie', 'forky', 'sid']
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Unpacks the newest etcd-server and etcd-client of a version into the cache, from whatever suite has
 * them. Needs apt and dpkg, and no root. Resolves with the folder.
 */
export async function unpackFromDebian(asked: string, env: NodeJS.ProcessEnv): Promise<string> {
  const mirror = await debianMirror(env)
  const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : ''
  const work = mkdtempSync(join(cacheFolder(), 'unpacking-'))
  try {
    const sources = SUITES.map((suite) => `deb${signed} ${mirror} ${suite} main`)
    const apt = new Apt(work, { sources, env })
    // A mirror need not have them all. What is missing shows below.
    const failure = await apt.update().then(
      () => null,
      (error: unknown) => error,
    )
    const found = (await apt.cache('madison', 'etcd-server'))
      .split('\n')
      .map((line) => line.split('|')[1]?.trim() ?? '')
      .filter((version) => isVersion(upstreamOf(version), asked))
      .sort(newestFirst)
    const [newest] = found
    if (newest === undefined) {
      throw new Error(`no suite has it (${SUITES.join(', ')})`, { cause: failure })
    }
    return await cached(`etcd-package-${upstreamOf(newest)}`, (root) =>
      apt.unpack([`etcd-server=${newest}`, `etcd-client=${newest}`], root),
    )
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The mirror from which this machine's own suite comes, by apt's own account. */
async function debianMirror(env: NodeJS.ProcessEnv): Promise<string> {
  const format = '$(SITE) $(RELEASE) $(COMPONENT)'
  const { stdout } = await promisify(execFile)(
    'apt-get',
    ['indextargets', '--format', format, 'Created-By: Packages'],
    { env },
  )
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  const sources = stdout.split('\n').map((line) => line.split(' '))
  const own = sources.find(
    ([, release, component]) => component === 'main' && (release === suite || release === 'sid'),
  )
  const [site] = own ?? []
  if (site === undefined) throw new Error("apt's sources name no mirror of Debian's")
  return site
}

/** `3.5.30` of `3.5.30-2`. */
function upstreamOf(version: string): string {
  return /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? ''
}
