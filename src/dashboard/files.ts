import { readFile } from 'node:fs/promises'

export interface PageFile {
  readonly type: string
  readonly body: Buffer
}

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'statechart.json': 'application/json',
  'icon.svg': 'image/svg+xml',
}

/** Where the build puts them. */
const FOLDER = new URL('page/', import.meta.url)

/** The files of the page, by the path they are served at. */
export async function readPage(folder: URL = FOLDER): Promise<ReadonlyMap<string, PageFile>> {
  const files = await Promise.all(
    Object.entries(TYPES).map(async ([name, type]) => {
      const body = await readFile(new URL(name, folder))
      return [name === 'index.html' ? '/' : `/${name}`, { type, body }] as const
    }),
  )
  return new Map(files)
}
