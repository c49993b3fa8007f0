import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../package/built.js'

/** Every document of the repository that people read. */
export const DOCUMENTS: readonly string[] = ['', 'docs', 'examples', 'bench']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder !== '', encoding: 'utf8' }).map((file) =>
      join(folder, file),
    ),
  )
  .filter((file) => file.endsWith('.md'))
