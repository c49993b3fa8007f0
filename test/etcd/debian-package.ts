import { Apt } from './apt.js'
import { cached } from './cached.js'

interface UnpackOptions {
  /** Whether the packages that it needs and that are not installed are unpacked as well. */
  readonly withDependencies?: boolean
}

/**
 * A package of this machine's Debian, unpacked into a cache folder. Needs apt-get and dpkg, and no
 * root. Resolves with the folder.
 */
export async function unpackDebianPackage(
  name: string,
  { withDependencies = false }: UnpackOptions = {},
): Promise<string> {
  return await cached(name, async (root, work) => {
    const apt = new Apt(work)
    await apt.update()
    await apt.unpack(withDependencies ? await missingFor(name, apt) : [name], root)
  })
}

/** The package, and those that installing it would install as well. */
async function missingFor(name: string, apt: Apt): Promise<readonly string[]> {
  const plan = await apt.get('--simulate', '--no-install-recommends', 'install', name)
  return [name, ...[...plan.matchAll(/^Inst (\S+)/gm)].map(([, one = name]) => one)]
}
