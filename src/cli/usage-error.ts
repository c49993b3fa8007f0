/** The user's arguments, or the environment, are wrong: one line says how, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
