// @ts-check

/**
 * Whose share a shard is, when these workers are there: each has as many as any other, or one more. All
 * of them work this out by themselves, from the same list.
 *
 * @param {number} shard
 * @param {readonly string[]} workers
 * @returns {string | undefined} nobody’s, if nobody is there
 */
export function workerOf(shard, workers) {
  return [...workers].sort()[shard % workers.length]
}
