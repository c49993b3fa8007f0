import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Deployment } from 'kubernetes-models/apps/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { Secret, Service } from 'kubernetes-models/v1'
import { parseAllDocuments } from 'yaml'
import { root } from '../../package/built.js'

export const folder = join(root, 'examples', 'kubernetes')

const KINDS = { Deployment, PodDisruptionBudget, Secret, Service }

/** The example's manifests, as they stand there. */
export function manifests(): readonly { readonly kind: string }[] {
  const text = readFileSync(join(folder, 'reports.yaml'), 'utf8')
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS()
  })
}

/** Checks them by the schemas of Kubernetes. Throws where one is wrong. */
export function validate(given: unknown): void {
  const kind: unknown = Reflect.get(Object(given), 'kind')
  const Kind = Object.entries(KINDS).find(([name]) => name === kind)?.[1]
  if (Kind === undefined) throw new Error(`there is no test of a ${String(kind)}`)
  Reflect.construct(Kind, [given]).validate()
}

export function theDeployment(): Deployment {
  return new Deployment(of('Deployment') as ConstructorParameters<typeof Deployment>[0])
}

export function thePodTemplate() {
  const { spec } = theDeployment()
  if (spec?.template.spec === undefined) throw new Error('the Deployment has no pods')
  return spec.template.spec
}

export function theContainer() {
  const [container] = thePodTemplate().containers
  const { livenessProbe, readinessProbe, env = [], securityContext = {} } = container ?? {}
  if (livenessProbe === undefined || readinessProbe === undefined) throw new Error('no probes')
  return { livenessProbe, readinessProbe, env, securityContext }
}

/** The environment that a pod at `podIP` has, as the manifest says. */
export function environmentOf(podIP: string): Record<string, string> {
  const secret: unknown = Reflect.get(Object(of('Secret')), 'stringData')
  const entries = theContainer().env.map(({ name, value, valueFrom }) => {
    const key = valueFrom?.secretKeyRef?.key
    const isIP = valueFrom?.fieldRef?.fieldPath === 'status.podIP'
    const given = isIP ? podIP : key === undefined ? value : Reflect.get(Object(secret), key)
    if (typeof given !== 'string') throw new Error(`${name} has no value`)
    return [name, given] as const
  })
  return Object.fromEntries(entries)
}

function of(kind: string): unknown {
  const found = manifests().find((one) => one.kind === kind)
  if (found === undefined) throw new Error(`there is no ${kind}`)
  return found
}
