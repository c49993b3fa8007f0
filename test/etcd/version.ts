import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Which version an `etcd`, `etcdctl` or `etcdutl` says it is, such as `3.5.30`. Rejects if it cannot be run. */
export async function versionOf(program: string, env = process.env): Promise<string> {
  // etcdctl and etcdutl have a command for it, etcd an option.
  const argument = /etcd$/.test(program) ? '--version' : 'version'
  const { stdout } = await promisify(execFile)(program, [argument], {
    env: { ...env, ETCDCTL_API: '3' },
  })
  const found = /version: (\d+\.\d+\.\d+)/i.exec(stdout)?.[1]
  if (found === undefined) throw new Error(`${program} does not say its version: ${stdout}`)
  return found
}

/** Whether this is the version that was asked for: `3.5` stands for all of 3.5. */
export function isVersion(version: string, asked: string): boolean {
  return version === asked || version.startsWith(`${asked}.`)
}

/** Sorts the newest first. */
export function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true })
}

/** `3.5`, `3.5.30` or either with a `v` before it, without that; throws on anything else. */
export function parseVersion(text: string): string {
  const version = /^v?(\d+\.\d+(?:\.\d+)?)$/.exec(text)?.[1]
  if (version === undefined) {
    throw new Error(`expected a version of etcd such as 3.5 or 3.5.30, and was given '${text}'`)
  }
  return version
}
