import type { EtcdOptions } from './cluster.js'
import { freePort } from './ports.js'

/** The names, ports and arguments of a cluster's members, before anything is started. */
export interface MemberPlan {
  readonly name: string
  readonly clientPorts: readonly number[]
  /** Serves /health without TLS, whatever the clients' ports ask for. */
  readonly metricsPort: number
  readonly args: readonly string[]
}

/** Where members listen, and where their peers find them. */
export interface Addressing {
  readonly listenHost: string
  peer(name: string, index: number): { readonly listen: string; readonly advertise: string }
}

export async function planCluster(
  size: number,
  options: EtcdOptions,
  addressing: Addressing,
): Promise<readonly MemberPlan[]> {
  if (options.clientPorts !== undefined && size > 1) {
    throw new Error('clientPorts can be chosen for a cluster of one only')
  }
  const scheme = options.scheme ?? 'http'
  const token = `locked-${process.pid}-${Math.random().toString(36).slice(2)}`
  const names = Array.from({ length: size }, (_, index) => `member${index}`)
  const peers = names.map((name, index) => addressing.peer(name, index))
  const initialCluster = names.map((name, index) => `${name}=http://${peers[index]?.advertise}`)

  return await Promise.all(
    names.map(async (name, index) => {
      const clientPorts = options.clientPorts ?? [await freePort()]
      const metricsPort = await freePort()
      const at = (host: string) => clientPorts.map((port) => `${scheme}://${host}:${port}`).join()
      return {
        name,
        clientPorts,
        metricsPort,
        args: [
          `--name=${name}`,
          `--listen-client-urls=${at(addressing.listenHost)}`,
          `--advertise-client-urls=${at('127.0.0.1')}`,
          `--listen-peer-urls=http://${peers[index]?.listen}`,
          `--initial-advertise-peer-urls=http://${peers[index]?.advertise}`,
          `--listen-metrics-urls=http://${addressing.listenHost}:${metricsPort}`,
          `--initial-cluster=${initialCluster.join()}`,
          `--initial-cluster-token=${token}`,
          ...(options.enableV2 ? ['--enable-v2=true'] : []),
          ...(options.extraArgs ?? []),
        ],
      }
    }),
  )
}
