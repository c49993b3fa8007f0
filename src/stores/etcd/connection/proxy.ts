import { BlockList, isIPv4, type Socket } from 'node:net'

/**
 * The proxy by way of which gRPC goes to `host`, as it reads the environment (grpc-js, http_proxy.ts);
 * `null` where it goes there itself.
 */
export function proxyTo(host: string, env: NodeJS.ProcessEnv = process.env): URL | null {
  const given = env.grpc_proxy || env.https_proxy || env.http_proxy
  if (!given || !URL.canParse(given)) return null
  const proxy = new URL(given)
  if (proxy.protocol !== 'http:') return null
  const exceptions = env.no_grpc_proxy || env.no_proxy
  if (!exceptions) return proxy
  return exceptions.split(',').some((one) => isMeant(one, host)) ? null : proxy
}

/** Whether an exception, the end of a name or a range of addresses, is meant for `host`. */
function isMeant(exception: string, host: string): boolean {
  if (host.endsWith(exception)) return true
  const [, address = '', bits] = /^([\d.]+)\/(\d+)$/.exec(exception) ?? []
  if (!isIPv4(address) || !isIPv4(host) || Number(bits) > 32) return false
  const range = new BlockList()
  range.addSubnet(address, Number(bits))
  return range.check(host)
}

/** Asks `proxy`, to which `socket` leads, for a connection to `address`. `answered` is told why there is none. */
export function askProxy(
  { username, password }: URL,
  address: string,
  socket: Socket,
  answered: (refusal?: Error) => void,
): void {
  const user = [username, password].filter(Boolean).map(decodeURIComponent).join(':')
  const login = user && `Proxy-Authorization: Basic ${Buffer.from(user).toString('base64')}\r\n`
  socket.write(`CONNECT ${address} HTTP/1.1\r\nHost: ${address}\r\n${login}\r\n`)
  let text = ''
  socket.on('data', (data) => {
    text += data
    const [line, ...rest] = text.split('\r\n', 2)
    if (rest.length === 0 || line === undefined) return
    if (/^HTTP\/1\.[01] 200/.test(line)) answered()
    else answered(new Error(`the proxy does not connect to ${address}: ${line}`))
  })
  socket.on('end', () => answered(new Error(`the proxy does not connect to ${address}`)))
}
