/**
 * Tells one thing after the other. What a listener throws surfaces as XState has it: by itself, as
 * uncaught.
 */
export function tellAll(...tells: readonly (() => unknown)[]): void {
  for (const tell of tells) {
    try {
      tell()
    } catch (thrown) {
      setImmediate(() => {
        throw thrown
      })
    }
  }
}
