import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Tests of the package as it is built need a build of what stands there now. */
export function assertBuilt(): void {
  const built = newestMs(join(root, 'dist'))
  const written = Math.max(newestMs(join(root, 'src')), newestMs(join(root, 'machines')))
  if (built < written) {
    throw new Error(
      `dist is ${built === 0 ? 'missing' : 'older than src'}: run "npm run build" first`,
    )
  }
}

function newestMs(folder: string): number {
  if (!existsSync(folder)) return 0
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Math.max(
    0,
    ...files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs),
  )
}
