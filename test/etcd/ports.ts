import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Below the ports that the system hands out to outgoing connections. A member that is down could
// otherwise find its port taken by a client, even by one that is trying to reach this very port.
// And above the last port that fetch refuses to connect to, 10080 (https://fetch.spec.whatwg.org/#port-blocking).
const FIRST = 10_100
const LAST = 30_100
const ATTEMPTS = 200

/** One file for each port that was given, with the id of the process it was given to. */
const folder = join(tmpdir(), `locked-ports-${process.getuid?.() ?? 'user'}`)
const given = new Set<number>()

/**
 * A port of this machine that nothing listens on. It stays this process’s until that ends: a member
 * that is down finds it free when it comes back, whatever other tests run beside.
 */
export async function freePort(): Promise<number> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (!reserve(port)) continue
    if (await canListen(port)) return port
    give(port)
  }
  throw new Error(`found no free port between ${FIRST} and ${LAST}`)
}

process.on('exit', () => {
  for (const port of given) give(port)
})

function reserve(port: number): boolean {
  try {
    writeFileSync(fileOf(port), `${process.pid}`, { flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    // Whoever has gone without a word needs it no more; it is free at the next attempt.
    if (!isRunning(holderOf(port))) rmSync(fileOf(port), { force: true })
    return false
  }
  given.add(port)
  return true
}

function give(port: number): void {
  given.delete(port)
  rmSync(fileOf(port), { force: true })
}

function fileOf(port: number): string {
  return join(folder, `${port}`)
}

function holderOf(port: number): number {
  try {
    return Number(readFileSync(fileOf(port), 'utf8'))
  } catch {
    return 0
  }
}

function isRunning(pid: number): boolean {
  // One that is just being written has no number in it yet.
  if (pid === 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)))
  })
}
