// Writes what a competitor does and sees to its standard output, a JSON line each: history entries
// (verification/history/history.ts), notes ({ note, at }) and replies to commands ({ reply }). Every line is
// written before the call returns, so that nothing is lost when the process is killed.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

const SAMPLE_MS = 5
/** Whoever does not lead is looked at less often: that it leads would be told, and sampled at once. */
const IDLE_SAMPLE_MS = 50
/** After a longer gap nothing is said about the time between two samples. */
const LONGEST_GAP_MS = 30
/** After a longer gap the process is said to have stood still. */
const STALL_MS = 100
/** No process of a busy machine waits so long for its turn. */
const STANDSTILL_MS = 2_000
/** How much of the samples a kill can lose. */
const FLUSH_MS = 200

/** Milliseconds on the monotonic clock that all processes of a machine share. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6
}

export class Recorder {
  #common
  #isLeader
  #write
  #timer
  #caughtUp
  #ranAt = now()
  /** Since when, and until when, every sample was true. */
  #since = null
  #until = 0
  #wasLeader = null

  /**
   * `isLeader` is what is sampled. `caughtUp` resolves once no timer of the node's is late by what its
   * clock lost, for a clock that can lose time.
   */
  constructor(common, isLeader, { write = writeLine, caughtUp = async () => {} } = {}) {
    this.#common = common
    this.#isLeader = isLeader
    this.#write = write
    this.#caughtUp = caughtUp
  }

  startSampling() {
    this.#sampleAs(this.sample())
  }

  stopSampling() {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#flush()
  }

  #sampleAs(isLeader) {
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.sample(), isLeader ? SAMPLE_MS : IDLE_SAMPLE_MS)
  }

  entry(kind, detail = {}) {
    const at = this.#run()
    this.#write({ at, ...this.#common, kind, ...detail })
    if (kind === 'select' || kind === 'deselect') this.sample()
  }

  /** Something that is not part of the history. */
  note(note, detail = {}) {
    this.#write({ note, at: this.#run(), ...detail })
  }

  /** Takes the time before it looks: whoever is stopped in between says nothing wrong. */
  sample() {
    const at = this.#run()
    const isLeader = this.#isLeader()
    if (isLeader) {
      this.#since ??= at
      this.#until = at
      if (at - this.#since > FLUSH_MS) this.#flush()
    } else {
      this.#flush()
      this.#since = null
      if (this.#wasLeader !== false) {
        this.#write({ at, ...this.#common, kind: 'sample', isLeader: false })
      }
    }
    if (this.#timer !== undefined && this.#wasLeader !== isLeader) this.#sampleAs(isLeader)
    this.#wasLeader = isLeader
    return isLeader
  }

  #flush() {
    if (this.#since === null) return
    const since = this.#since
    this.#since = this.#until
    this.#write({ at: this.#until, ...this.#common, kind: 'sample', isLeader: true, since })
  }

  /** Tells of a stall that has just ended, if there was one. */
  settle() {
    this.sample()
  }

  /** Resolves once the event loop has gone round from here. */
  async #goRound() {
    await this.#caughtUp()
    // Timers that are due by now run before this one; then all that has arrived is read.
    await new Promise((resolve) => setTimeout(setImmediate, 0, resolve))
  }

  /** The time, after noting that the process had stood still before, if it had. */
  #run() {
    const at = now()
    if (at - this.#ranAt > LONGEST_GAP_MS) {
      this.#flush()
      this.#since = null
    }
    if (at - this.#ranAt > STALL_MS) void this.#tellStall(this.#ranAt, at)
    this.#ranAt = at
    return at
  }

  async #tellStall(since, at) {
    this.#write({ at, ...this.#common, kind: 'stall', since })
    await this.#goRound()
    this.#write({ at: now(), ...this.#common, kind: 'awake', since })
  }
}

/** Runs `commands` as they come in on standard input, and replies to each when it is done. */
export function takeCommands(commands) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const { call, command, ...detail } = JSON.parse(line)
    try {
      const result = await commands[command](detail)
      writeLine({ reply: call, result: result ?? null })
    } catch (error) {
      writeLine({ reply: call, error: { name: error.name, message: error.message } })
    }
  })
  // Nobody listens any more.
  lines.on('close', () => process.exit())
}

/** Keeps the event loop from running. */
export function block(ms) {
  const until = now() + ms
  while (now() < until);
}

/** Stops this very process by SIGSTOP, and returns the very first look at `isLeader` after a SIGCONT. */
export function standStill(recorder, timeoutMs) {
  recorder.sample()
  const stoppedAt = now()
  process.kill(process.pid, 'SIGSTOP')
  // The signal may take effect a little later.
  for (let ranAt = stoppedAt; ranAt < stoppedAt + timeoutMs; ) {
    const at = now()
    const isLeader = recorder.sample()
    if (at - ranAt > STANDSTILL_MS) return isLeader
    ranAt = at
  }
  throw new Error(`was not stopped within ${timeoutMs} ms`)
}

function writeLine(line) {
  let rest = Buffer.from(
    `${JSON.stringify(line, (_name, value) => (typeof value === 'bigint' ? `${value}` : value))}\n`,
  )
  while (rest.length > 0) rest = rest.subarray(writeSync(1, rest))
}
