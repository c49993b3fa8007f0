import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../package/built.js'
import {
  environmentOf,
  manifests,
  theContainer,
  theDeployment,
  thePodTemplate,
  validate,
} from './kubernetes/manifest.js'

test('the manifests are as the schemas of Kubernetes have them', () => {
  expect(manifests().map(({ kind }) => kind)).toEqual([
    ...['Secret', 'Deployment', 'Service', 'PodDisruptionBudget'],
  ])
  for (const manifest of manifests()) validate(manifest)
  const [, deployment] = manifests()
  expect(() => validate({ ...deployment, spec: { replicas: 'two' } })).toThrow(/replicas/)
})

test('they have no field that Kubernetes does not know', () => {
  expect(unknownFieldsOf(manifests())).toBe('')
  const [, deployment] = manifests()
  expect(
    unknownFieldsOf([Object.assign({ kind: 'Deployment' }, deployment, { sepc: {} })]),
  ).toMatch(/sepc.* does not exist/)
})

test('a pod has the time to end its work and to hand over before it is killed', () => {
  const { lifecycle, terminationGracePeriodSeconds = 30 } = {
    ...thePodTemplate(),
    ...thePodTemplate().containers[0],
  }
  const preStop = Number(lifecycle?.preStop?.sleep?.seconds)
  expect(preStop).toBeGreaterThan(0)
  // The work is waited for for a ttl at most, and the requests after it take less than 5 s.
  const { ELECTION_TTL } = environmentOf('')
  expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop + Number(ELECTION_TTL) + 5)
})

test('a new pod has joined before an old one is told to end', () => {
  const { strategy, replicas = 1 } = theDeployment().spec ?? {}
  expect(strategy?.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
  expect(replicas).toBeGreaterThan(1)
  const { livenessProbe, readinessProbe } = theContainer()
  expect(readinessProbe.httpGet?.path).toBe('/ready')
  // Followers are not ready by leading, and are not killed for not leading.
  expect(livenessProbe.httpGet?.path).toBe('/live')
})

/** What a compiler that knows the types of Kubernetes says of fields that it does not know. */
function unknownFieldsOf(given: readonly { readonly kind: string }[]): string {
  const at = mkdtempSync(join(root, 'node_modules', '.manifests-'))
  onTestFinished(() => rmSync(at, { recursive: true, force: true }))
  const groups = {
    Secret: 'v1',
    Service: 'v1',
    Deployment: 'apps/v1',
    PodDisruptionBudget: 'policy/v1',
  }
  const imports = Object.entries(groups).map(
    ([kind, group]) => `import type { I${kind} } from 'kubernetes-models/${group}'`,
  )
  const values = given.map(
    (one, i) => `export const manifest${i}: I${one.kind} = ${JSON.stringify(one)}`,
  )
  writeFileSync(join(at, 'manifests.mts'), [...imports, ...values].join('\n'))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--types',
    'node',
  ]
  const { stdout } = spawnSync(process.execPath, [tsc, ...options, join(at, 'manifests.mts')], {
    cwd: root,
    encoding: 'utf8',
  })
  return stdout
}
