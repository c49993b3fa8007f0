// @ts-check

/**
 * The shards that are a worker's share, when these workers are there: each has as many as any other,
 * or one more. All of them work this out by themselves, from the same list.
 *
 * @param {string} worker
 * @param {readonly string[]} workers
 * @param {number} shards how many there are
 * @returns {number[]}
 */
export function shareOf(worker, workers, shards) {
  const sorted = [...workers].sort()
  return Array.from({ length: shards }, (_, shard) => shard).filter(
    (shard) => sorted[shard % sorted.length] === worker,
  )
}
