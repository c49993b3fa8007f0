import { Etcd3, type IOptions } from 'etcd3'
import { expect, onTestFinished } from 'vitest'

export interface Vacancies {
  /** The paths that were deleted so far, in order: one for each deletion. */
  untilNow(): Promise<readonly string[]>
}

/** Watches all paths that begin so, for as long as the test lasts. What stands beside a path does not count. */
export async function vacanciesOf(
  endpoint: string,
  prefix: string,
  options: Pick<IOptions, 'auth'> = {},
): Promise<Vacancies> {
  const hosts = endpoint.split(',').map((host) => `http://${host}`)
  const client = new Etcd3({ hosts, ...options })
  onTestFinished(() => client.close())
  const vacant: string[] = []
  let lookedUpTo = ''
  // What it is told comes in order: what it is told of its own key comes last.
  const looks = `${prefix}/.looks`
  const watcher = await client.watch().prefix(prefix).create()
  watcher.on('put', ({ key, value }) => {
    if (key.toString() === looks) lookedUpTo = value.toString()
  })
  watcher.on('delete', ({ key }) => {
    const path = key.toString()
    if (!path.includes('/.')) vacant.push(path)
  })
  let looked = 0
  return {
    async untilNow() {
      looked += 1
      await client.put(looks).value(looked)
      await expect.poll(() => lookedUpTo).toBe(String(looked))
      return [...vacant]
    },
  }
}
