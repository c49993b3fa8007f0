// `npm run rolling-update [-- --orders N] [--only NAME]`: see bench/rolling-update/main.ts.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bench = join(dirname(fileURLToPath(import.meta.url)), 'bench.mjs')
const argv = [bench, 'rolling-update/main', ...process.argv.slice(2)]
const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' })
process.exit(status ?? 1)
