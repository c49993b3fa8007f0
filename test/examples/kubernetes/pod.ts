import type { IProbe } from 'kubernetes-models/v1'
import { theContainer } from './manifest.js'

/** What stands for a pod: something that runs the example with the manifest's environment, at a port of this machine. */
export interface Pod {
  readonly port: number
  /** All that it has printed so far. */
  output(): string
  /** What the kubelet sends once preStop is over. */
  terminate(): void
  /** Resolves with its exit code. */
  readonly exited: Promise<number | null>
}

/** Whether the kubelet would take the pod for ready. */
export async function isReady(pod: Pod): Promise<boolean> {
  return await succeeds(pod, theContainer().readinessProbe)
}

/** Whether the kubelet would leave it alone. */
export async function isLive(pod: Pod): Promise<boolean> {
  return await succeeds(pod, theContainer().livenessProbe)
}

export async function leads(pod: Pod): Promise<boolean> {
  return await answersOk(pod, '/leader')
}

async function succeeds(pod: Pod, { httpGet }: IProbe): Promise<boolean> {
  if (httpGet?.path === undefined) throw new Error('a probe by HTTP is expected')
  return await answersOk(pod, httpGet.path)
}

/** As the kubelet counts it. Where nobody listens it fails. */
async function answersOk({ port }: Pod, path: string): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' })
    return status >= 200 && status < 400
  } catch {
    return false
  }
}
