import { join } from 'node:path'
import type { Source } from './cluster.js'
import { unpackDebianPackage } from './debian-package.js'
import { defaultImage, prepareDocker } from './docker.js'
import { imageOf } from './image.js'
import { etcdPrograms } from './programs.js'
import { versionOf } from './version.js'

type Kind = 'docker' | 'path' | 'package'

const kinds: readonly Kind[] = ['docker', 'path', 'package']

/**
 * Finds an etcd for the tests: the first that works of LOCKED_TEST_ETCD (endpoints of a running
 * one), Docker, `etcd` on the PATH, Debian's package. LOCKED_TEST_ETCD_FROM names the one to use.
 * LOCKED_TEST_ETCD_VERSION asks for a version, which is got if it is not there. Rejects if there is
 * none, saying what was tried and what to do.
 */
export async function findEtcd(env: NodeJS.ProcessEnv = process.env): Promise<Source> {
  const forced = env.LOCKED_TEST_ETCD_FROM || undefined
  if (forced !== undefined && !isKind(forced)) {
    throw new Error(`LOCKED_TEST_ETCD_FROM must be one of ${kinds.join(', ')}, and is '${forced}'`)
  }
  const asked = env.LOCKED_TEST_ETCD_VERSION || undefined
  if (env.LOCKED_TEST_ETCD && forced === undefined) {
    if (asked !== undefined) {
      throw new Error(
        'LOCKED_TEST_ETCD names an etcd that runs, and LOCKED_TEST_ETCD_VERSION asks for one to be started. Unset one of them.',
      )
    }
    return { from: 'running', endpoints: splitEndpoints(env.LOCKED_TEST_ETCD) }
  }
  if (asked !== undefined && forced !== 'docker') {
    const { from, version, etcd } = await etcdPrograms(asked, env)
    return { from, version, binary: etcd }
  }
  const tried: string[] = []
  for (const kind of forced ? [forced] : kinds) {
    try {
      return await prepare[kind](env, forced !== undefined)
    } catch (error) {
      tried.push(`  ${kind}: ${error instanceof Error ? error.message.trim() : error}`)
    }
  }
  throw new Error(`Found no etcd to test with. Tried:
${tried.join('\n')}
Do one of these, and run the tests again:
  - start Docker (LOCKED_TEST_ETCD_IMAGE names the image, by default ${defaultImage})
  - put etcd on the PATH ('apt-get install etcd-server', 'brew install etcd')
  - set LOCKED_TEST_ETCD to the endpoints of a running etcd, such as 127.0.0.1:2379: enough for
    tests that do not break it${forced ? `\n  - unset LOCKED_TEST_ETCD_FROM, which allows ${forced} only` : ''}`)
}

const prepare: Record<Kind, (env: NodeJS.ProcessEnv, forced: boolean) => Promise<Source>> = {
  async docker(env, forced) {
    const asked = env.LOCKED_TEST_ETCD_VERSION
    const image = env.LOCKED_TEST_ETCD_IMAGE || (asked ? imageOf(asked) : defaultImage)
    await prepareDocker(image, forced ? 30_000 : 2_000)
    return { from: 'docker', image }
  },
  async path(env) {
    return { from: 'path', version: await versionOf('etcd', env), binary: 'etcd' }
  },
  async package() {
    const root = await unpackDebianPackage('etcd-server')
    const binary = join(root, 'usr', 'bin', 'etcd')
    return { from: 'package', version: await versionOf(binary), binary }
  },
}

function splitEndpoints(text: string): readonly string[] {
  return text.split(',').map((endpoint) => endpoint.trim().replace(/^https?:\/\//, ''))
}

function isKind(text: string): text is Kind {
  return kinds.some((kind) => kind === text)
}
