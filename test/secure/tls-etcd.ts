import { type Etcd, startEtcd } from '../etcd/index.js'
import { type Authority, type Issued, writeFiles } from './authority.js'

interface Settings {
  /** Whose certificates it asks its clients for. By default it asks for none. */
  readonly clients?: Authority
  readonly extraArgs?: readonly string[]
}

/** An etcd of its own that serves with this certificate. */
export async function startTlsEtcd(
  { cert, key }: Issued,
  { clients, extraArgs = [] }: Settings = {},
): Promise<Etcd> {
  const files = writeFiles({ cert, key, ca: clients?.cert ?? '' })
  try {
    const started = await startEtcd({
      own: true,
      scheme: 'https',
      files: files.paths,
      extraArgs: [
        `--cert-file=${files.pathOf('cert')}`,
        `--key-file=${files.pathOf('key')}`,
        ...(clients ? ['--client-cert-auth', `--trusted-ca-file=${files.pathOf('ca')}`] : []),
        ...extraArgs,
      ],
    })
    const { stop } = started
    return Object.assign(started, { stop: () => stop().finally(files.end) })
  } catch (error) {
    files.end()
    throw error
  }
}
