/** The token that a `select` tells. */
export function tokenOf(told: object): number {
  if (!('token' in told)) throw new Error('a select tells a token')
  return Number(told.token)
}
