import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LockerOptions } from '../../src/index.js'
import { now } from '../faults/now.js'
import { Starvation } from '../load/starvation.js'
import { assertBuilt } from '../package/built.js'
import { PATIENCE_MS } from '../patience.js'

interface Said {
  readonly event: 'started' | 'stopped' | 'error'
  readonly state?: string
  readonly ms?: number
  readonly name?: string
  readonly message?: string
}

export interface Run {
  readonly said: readonly Said[]
  readonly stderr: string
  /** How long the process lived on after its node had stopped, net of `starvedMs`. */
  readonly lingeredMs: number
  /** How long processes had to wait for a processor meanwhile, in milliseconds. */
  readonly starvedMs: number
}

interface Settings {
  readonly hosts: unknown
  readonly options?: Pick<LockerOptions, 'auth' | 'credentials'>
  readonly path?: string
  /** Whether it goes on when etcd cannot be reached. Default yes. */
  readonly patient?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** For Node.js itself. */
  readonly flags?: readonly string[]
}

const program = fileURLToPath(new URL('elect.mjs', import.meta.url))

/** Has a process of its own take part in an election once; resolves when it has exited by itself. */
export async function runElect({
  hosts,
  options = {},
  path = '/app/elect',
  patient = true,
  env = {},
  flags = [],
}: Settings): Promise<Run> {
  assertBuilt()
  using starvation = new Starvation()
  const startedAt = now()
  const settings = JSON.stringify({ hosts, options, path, patient })
  const child = spawn(process.execPath, [...flags, program, settings], {
    // What this machine is set up to trust is no part of a test.
    env: { ...process.env, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  })
  let [stdout, stderr, stoppedAt] = ['', '', 0]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (stdout.includes('"stopped"') && stoppedAt === 0) stoppedAt = now()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const endedAt = now()
  const said = stdout.split('\n').filter(Boolean)
  return {
    said: said.map((line): Said => JSON.parse(line)),
    stderr,
    lingeredMs: endedAt - stoppedAt - starvation.between(stoppedAt, endedAt),
    starvedMs: starvation.between(startedAt, endedAt),
  }
}
