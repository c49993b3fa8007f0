import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, onTestFinished, test } from 'vitest'
import { freePort } from '../etcd/ports.js'
import { assertBuilt, root } from '../package/built.js'
import { patiently } from '../patience.js'
import { etcdWithRole, handOver } from './kubernetes/hand-over.js'
import { environmentOf, folder, theContainer, thePodTemplate } from './kubernetes/manifest.js'
import type { Pod } from './kubernetes/pod.js'

const run = promisify(execFile)
const NODE_IMAGE = process.env.LOCKED_TEST_NODE_IMAGE || 'node:24-slim'
const IMAGE = 'locked-example-reports:test'

/** The image is built as the README says, with the package as it is built now. */
beforeAll(async () => {
  assertBuilt()
  const context = mkdtempSync(join(tmpdir(), 'locked-reports-'))
  try {
    for (const file of ['main.mjs', 'Dockerfile'])
      copyFileSync(join(folder, file), join(context, file))
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', context]
    const { stdout } = await run('npm', pack, { cwd: root })
    const [{ filename }] = JSON.parse(stdout)
    writeFileSync(join(context, 'package.json'), '{ "private": true }')
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
    await run('npm', [...install, join(context, filename)], { cwd: context })
    await docker('build', '--build-arg', `NODE_IMAGE=${NODE_IMAGE}`, '-t', IMAGE, context)
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
})

afterAll(async () => {
  await docker('image', 'rm', '--force', IMAGE).catch(() => undefined)
})

test('a leader that gets SIGTERM in its container hands over to another that is ready', async () => {
  const etcd = await etcdWithRole()
  await handOver(etcd, () => startContainer(etcd.endpoint))
})

/** A container with what the manifest gives and denies it, on this machine's network. */
async function startContainer(endpoint: string): Promise<Pod> {
  const port = await freePort()
  const { ETCD_CACERT: _, ...given } = environmentOf('127.0.0.1')
  // There is no TLS in this test.
  const environment = { ...given, ETCD_ENDPOINTS: endpoint, PORT: String(port) }
  const { securityContext } = theContainer()
  const id = (
    await docker(
      ...['run', '--detach', '--network', 'host'],
      ...['--user', String(thePodTemplate().securityContext?.runAsUser)],
      ...(securityContext.readOnlyRootFilesystem ? ['--read-only'] : []),
      ...(securityContext.allowPrivilegeEscalation === false
        ? ['--security-opt', 'no-new-privileges']
        : []),
      ...(securityContext.capabilities?.drop ?? []).flatMap((name) => ['--cap-drop', name]),
      ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      IMAGE,
    )
  ).trim()
  onTestFinished(async () => {
    await docker('rm', '--force', id)
  })
  let output = ''
  const look = async () => {
    output = await docker('logs', id)
  }
  await patiently(async () => {
    await look()
    if (!output.includes('listens at port')) throw new Error(`it does not listen:\n${output}`)
  })
  return {
    port,
    output: () => output,
    terminate: () => void docker('kill', '--signal', 'TERM', id),
    // Not before it is asked for: a container that is left to the end of the test has no log by then.
    get exited() {
      return docker('wait', id).then(async (code) => {
        await look()
        return Number(code)
      })
    },
  }
}

/** Resolves with what it has printed, on whichever of the two. */
async function docker(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' }
  const { stdout, stderr } = await run('docker', args, { env })
  return args[0] === 'logs' ? stdout + stderr : stdout
}
