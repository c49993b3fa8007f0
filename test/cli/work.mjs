/**
 * Work that leaves a trace while it runs: a line with its token every few milliseconds.
 *
 * FILE                 where the lines are appended
 * --ends-slowly        takes a moment to end after SIGTERM
 * --ignores-sigterm
 * --with-grandchild    a process of its own in the same group, which leaves a trace as well
 */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'

const EVERY_MS = 10
const SLOWLY_MS = 300

const [file, ...flags] = process.argv.slice(2)
const token = process.env.LOCKED_TOKEN

function trace(what) {
  appendFileSync(file, `${JSON.stringify({ token, what, pid: process.pid, at: Date.now() })}\n`)
}

process.on('SIGTERM', () => {
  trace('told')
  if (flags.includes('--ignores-sigterm')) return
  setTimeout(() => process.exit(0), flags.includes('--ends-slowly') ? SLOWLY_MS : 0)
})
trace('started')
setInterval(() => trace('runs'), EVERY_MS)
if (flags.includes('--with-grandchild')) {
  // Its parent does not wait for it, and it does not go by SIGTERM.
  spawn(process.execPath, [process.argv[1], file, '--ignores-sigterm'], { stdio: 'ignore' })
}
