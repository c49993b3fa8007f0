// A thread that only sleeps and looks how late it wakes: whatever keeps it from that (other work, a host
// that gives the processors of this machine to another) keeps everybody here from running.
import { workerData } from 'node:worker_threads'

const NAP_MS = 10
/** A machine that has nothing else to do wakes a thread within this. */
const PROMPT_MS = 1

const never = new Int32Array(new SharedArrayBuffer(4))
const lateMs = new Float64Array(workerData)

for (;;) {
  const before = performance.now()
  Atomics.wait(never, 0, 0, NAP_MS)
  const late = performance.now() - before - NAP_MS
  if (late > PROMPT_MS) lateMs[0] += late
}
