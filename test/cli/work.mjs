/**
 * Work that leaves a trace while it runs: a line with its token every few milliseconds.
 *
 * FILE                 where the lines are appended
 * --ends-slowly        takes a moment to end after SIGTERM; with a grandchild, until that was told as well
 * --ends-last          takes longer
 * --ignores-sigterm
 * --with-grandchild    a process of its own in the same group, which leaves a trace as well
 */
import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'

const EVERY_MS = 10
const SLOWLY_MS = 300
const LAST_MS = 1_500

const [file, ...flags] = process.argv.slice(2)
const token = process.env.LOCKED_TOKEN

function trace(what) {
  appendFileSync(file, `${JSON.stringify({ token, what, pid: process.pid, at: Date.now() })}\n`)
}

process.on('SIGTERM', () => {
  trace('told')
  if (flags.includes('--ignores-sigterm')) return
  if (flags.includes('--ends-slowly')) endSlowly()
  else if (flags.includes('--ends-last')) setTimeout(() => process.exit(0), LAST_MS)
  else process.exit(0)
})
trace('started')
setInterval(() => trace('runs'), EVERY_MS)
if (flags.includes('--with-grandchild')) {
  // Its parent does not wait for it, and it does not go by SIGTERM, or goes last.
  const how = flags.includes('--ends-slowly') ? '--ends-last' : '--ignores-sigterm'
  spawn(process.execPath, [process.argv[1], file, how], { stdio: 'ignore' })
}

/** What is left of its group is killed when it has ended. */
function endSlowly() {
  const isEveryoneTold = !flags.includes('--with-grandchild') || told() > 1
  setTimeout(() => (isEveryoneTold ? process.exit(0) : endSlowly()), SLOWLY_MS)
}

function told() {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.includes('"told"') && line.includes(`"${token}"`)).length
}
