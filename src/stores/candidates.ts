/**
 * Where a path's candidates stand: beside it, each under its instance. What stands there is nobody's
 * path, so whoever lists paths leaves it out.
 */
const FOLDER = '/.candidates/'

/** Whether that key is of what stands beside a path, and is no path itself. */
export function isCandidateEntry(key: string): boolean {
  return key.includes(FOLDER)
}
