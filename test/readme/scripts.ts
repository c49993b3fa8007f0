import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { onTestFinished } from 'vitest'
import { root } from '../package/built.js'
import { PATIENCE_MS } from '../patience.js'
import { Authority } from '../secure/authority.js'
import type { Block } from './blocks.js'

const runner = fileURLToPath(new URL('run-block.mjs', import.meta.url))
/** How the documentation calls an etcd. */
const ENDPOINTS = /127\.0\.0\.1:(?:2379|4001,127\.0\.0\.1:4002)(?=')/g

/** Runs a block of JavaScript or TypeScript, and resolves with what it printed. Rejects if it fails. */
export async function runScript({ language, text }: Block, endpoint: string): Promise<string> {
  const folder = await folderForBlock()
  const there = text.replaceAll(ENDPOINTS, endpoint)
  const isCommonJs = /\brequire\(/.test(there)
  const file = join(folder, isCommonJs ? 'block.cjs' : 'block.mjs')
  writeFileSync(file, language === 'ts' ? transformSync(there, { loader: 'ts' }).code : there)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [runner, file], {
    cwd: folder,
    timeout: PATIENCE_MS,
    env: { ...process.env, ETCD_PASSWORD: 'secret' },
  })
  if (stderr !== '') throw new Error(`it complains: ${stderr}`)
  return stdout
}

/** Inside of the repository, so that the package is found by its name; with what blocks read. */
async function folderForBlock(): Promise<string> {
  mkdirSync(join(root, 'build'), { recursive: true })
  const folder = mkdtempSync(join(root, 'build', 'block-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const authority = await Authority.found('the documentation')
  const { cert, key } = await authority.issue({ commonName: 'client' })
  for (const [name, pem] of Object.entries({ ca: authority.cert, cert, key })) {
    writeFileSync(join(folder, `${name}.pem`), pem)
  }
  return folder
}
