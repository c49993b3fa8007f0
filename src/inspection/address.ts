/**
 * The WebSocket's address that `LOCKED_INSPECT` names. It may hold a password or a token, so no error
 * repeats it, and of it only the origin is ever shown.
 *
 * @throws RangeError when it is none.
 */
export function inspectionAddress(given: string): URL {
  const address = URL.canParse(given) ? new URL(given) : null
  const isOne = address?.protocol === 'ws:' || address?.protocol === 'wss:'
  if (isOne && address.hash === '') return address
  throw new RangeError(
    `LOCKED_INSPECT: expected a WebSocket address such as ws://127.0.0.1:4100/inspect, was given ${wrongWith(address)}`,
  )
}

function wrongWith(address: URL | null): string {
  if (address === null) return 'what is no address'
  return address.hash === ''
    ? `one that begins with ${address.protocol}`
    : 'one with a fragment (#…)'
}
