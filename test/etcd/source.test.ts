import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { etcdPrograms } from './programs.js'
import { copyFromImage } from './programs-of-image.js'
import { useRunning } from './running.js'
import { findEtcd } from './source.js'
import { isVersion, newestFirst } from './version.js'

describe('where the tests get etcd from', () => {
  test('a running etcd comes first', async () => {
    const source = await findEtcd({ LOCKED_TEST_ETCD: '127.0.0.1:2379, http://b:2379' })
    expect(source).toEqual({ from: 'running', endpoints: ['127.0.0.1:2379', 'b:2379'] })
  })

  test('with none, the error says what was tried and what to do', async () => {
    const none = findEtcd({ LOCKED_TEST_ETCD_FROM: 'path', PATH: '/nowhere' })
    await expect(none).rejects.toThrow(/path: .*ENOENT/)
    await expect(none).rejects.toThrow(/apt-get install etcd-server/)
    await expect(none).rejects.toThrow(/unset LOCKED_TEST_ETCD_FROM/)
  })

  test('an unknown source is refused by name', async () => {
    await expect(findEtcd({ LOCKED_TEST_ETCD_FROM: 'moon' })).rejects.toThrow(
      "LOCKED_TEST_ETCD_FROM must be one of docker, path, package, and is 'moon'",
    )
  })
})

/** Stands for Docker: its image has programs that only say which version they are, and no etcdutl. */
const DOCKER = `#!/bin/sh
echo "$*" >>"$SAID"
case "$1 $2" in
  create*) echo made ;;
  *etcdutl) exit 1 ;;
  cp*) printf '#!/bin/sh\necho etcd Version: 3.6.1' >"$3"; chmod +x "$3" ;;
esac
`

describe('where the tests get a version of etcd from', () => {
  test('the error says where it was looked for, and what to do', async () => {
    const none = findEtcd({ LOCKED_TEST_ETCD_VERSION: '3.3', PATH: '/nowhere' })
    await expect(none).rejects.toThrow(/Found no etcd 3\.3\./)
    await expect(none).rejects.toThrow(/the PATH: .*ENOENT/)
    await expect(none).rejects.toThrow(/Debian's packages: .*ENOENT/)
    await expect(none).rejects.toThrow(/Go's modules: .*ENOENT/)
    await expect(none).rejects.toThrow(/the official image: .*ENOENT/)
    await expect(none).rejects.toThrow(/put etcd and etcdctl of that version on the PATH/)
  })

  test('without anything else, the programs are copied from the official image', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'locked-docker-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
    writeFileSync(join(folder, 'docker'), DOCKER, { mode: 0o755 })
    const PATH = `${folder}:/usr/bin:/bin`
    const copied = await copyFromImage('3.6', { PATH, SAID: join(folder, 'said') })
    expect(copied).toMatch(/etcd-image-3\.6\.1$/)
    expect(readdirSync(join(copied, 'usr', 'bin'))).toEqual(['etcd', 'etcdctl'])
    const said = readFileSync(join(folder, 'said'), 'utf8').trim().split('\n')
    expect(said.at(0)).toBe('create quay.io/coreos/etcd:v3.6.1 etcd')
    expect(said.at(-1)).toBe('rm made')
    expect(await etcdPrograms('3.6', { PATH: '/nowhere' })).toMatchObject({
      ...{ from: 'image', version: '3.6.1', etcdutl: null },
    })
  })

  test('what is no version is refused', async () => {
    await expect(findEtcd({ LOCKED_TEST_ETCD_VERSION: 'newest' })).rejects.toThrow(
      "expected a version of etcd such as 3.5 or 3.5.30, and was given 'newest'",
    )
  })

  test('a running one and a version to start contradict each other', async () => {
    const env = { LOCKED_TEST_ETCD: '127.0.0.1:2379', LOCKED_TEST_ETCD_VERSION: '3.5' }
    await expect(findEtcd(env)).rejects.toThrow(/Unset one of them/)
  })

  test.for([
    ['3.5.30', '3.5', true],
    ['3.5.30', '3.5.30', true],
    ['3.5.30', '3.5.3', false],
    ['3.50.1', '3.5', false],
  ] as const)('%s is of %s: %s', ([version, asked, is]) => {
    expect(isVersion(version, asked)).toBe(is)
  })

  test('the newest is the one with the highest numbers', () => {
    expect(['3.5.9', '3.5.30', '3.4.37'].sort(newestFirst)).toEqual(['3.5.30', '3.5.9', '3.4.37'])
  })
})

describe('a running etcd', () => {
  test('is used as it is', () => {
    const cluster = useRunning(['a:1', 'b:2', 'c:3'], 3, {})
    expect(cluster.endpoints).toEqual(['a:1', 'b:2', 'c:3'])
  })

  test('is not broken', async () => {
    const [member] = useRunning(['a:1'], 1, {}).members
    await expect(member?.kill()).rejects.toThrow(/Cannot kill a:1: LOCKED_TEST_ETCD/)
  })

  test('must have enough members', () => {
    expect(() => useRunning(['a:1'], 3, {})).toThrow(/needs 3 members/)
  })

  test('cannot be given options', () => {
    expect(() => useRunning(['a:1'], 1, { enableV2: true })).toThrow(/option enableV2/)
  })
})
