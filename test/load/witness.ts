import { Worker } from 'node:worker_threads'

const late = new Float64Array(new SharedArrayBuffer(8))
const thread = new URL('witness-thread.mjs', import.meta.url)
new Worker(thread, { workerData: late.buffer }).unref()

/** How late a thread that does nothing else has woken from its naps so far, summed up. */
export function wokenLateMs(): number {
  return late[0] ?? 0
}
