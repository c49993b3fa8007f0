/** The monotonic clock that all processes of this machine share, in milliseconds. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
