import { errorFrom, isError } from '../../../errors.js'
import { load } from '../../../load.js'
import { ClientError } from '../errors.js'

/** What it takes to make a client of etcd. */
export type Client = Pick<typeof import('etcd3'), 'Etcd3'> &
  Pick<typeof import('cockatiel'), 'noop'>

let loading: Promise<Client> | null = null

/** @throws ClientError (as a rejection) when it cannot be loaded, which no repetition makes good. */
export function loadClient(): Promise<Client> {
  loading ??= loadBoth()
  return loading
}

async function loadBoth(): Promise<Client> {
  try {
    const { noop } = await load('cockatiel')
    const { Etcd3 } = await load('etcd3')
    return { Etcd3, noop }
  } catch (cause) {
    const [why] = errorFrom(cause).message.split('\n', 1)
    throw new ClientError(`etcd3, the client of etcd, cannot be loaded: ${why}; ${remedy(cause)}`, {
      cause,
    })
  }
}

function remedy(thrown: unknown): string {
  if (isError(thrown) && Reflect.get(thrown, 'code') === 'ERR_ACCESS_DENIED') {
    return `let Node.js read it: --allow-fs-read=${Reflect.get(thrown, 'resource')}`
  }
  const file: unknown = isError(thrown) ? Reflect.get(thrown, 'path') : undefined
  const folder = typeof file === 'string' && /^(.*)[\\/][^\\/]+\.proto$/.exec(file)?.[1]
  const install = 'install locked, or etcd3 and cockatiel, where this runs (a bundle as well)'
  return folder ? `${install}, or copy the folder proto of the package etcd3 to ${folder}` : install
}
