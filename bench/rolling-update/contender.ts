import { fileURLToPath } from 'node:url'

/** Whose election is tried. */
export interface Contender {
  readonly name: string
  /** What a process runs, but for the endpoint, the election's name and its own id. */
  readonly command: readonly [string, ...string[]]
  /** The key, or the prefix of the keys, of which one makes its process the holder of the election of that name. */
  holderKeys(name: string): { readonly from: string; readonly isPrefix: boolean }
}

export const LOCKED: Contender = {
  name: 'locked',
  command: [process.execPath, program('worker-locked.js')],
  holderKeys: (name) => ({ from: name, isPrefix: false }),
}

export const ETCD3: Contender = {
  name: 'etcd3',
  command: [process.execPath, program('worker-etcd3.js')],
  holderKeys: (name) => ({ from: `election/${name}/`, isPrefix: true }),
}

/** The election of etcd's Go client, as the program that `buildGo` has built. */
export function goContender(binary: string): Contender {
  return {
    name: 'Go',
    command: [binary, 'update'],
    holderKeys: (name) => ({ from: `${name}/`, isPrefix: true }),
  }
}

function program(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
