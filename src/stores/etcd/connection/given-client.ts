import { parseHosts, partsOf } from './addresses.js'
import { warnOfPlainPassword } from './plain-password.js'

/** Warns when an etcd3 client of the user's was made to log in at a host that it reaches by plain http. */
export function warnOfPlainLogin(client: object): void {
  const options = valueIn(valueIn(client, 'pool'), 'options')
  if (!valueIn(options, 'auth') || valueIn(options, 'credentials')) return
  const hosts = [valueIn(options, 'hosts')].flat().filter((host) => typeof host === 'string')
  // etcd3 reaches all by TLS, or none.
  if (hosts.some((host) => host.startsWith('https:'))) return
  for (const host of hosts.flatMap(namesIn)) {
    warnOfPlainPassword(host, 'give Etcd3 an https:// address of that host')
  }
}

/** The names or addresses of hosts. gRPC takes others as well, such as a socket's file: of those nothing is known. */
function namesIn(hosts: string): readonly string[] {
  try {
    return parseHosts(hosts).map(({ address }) => partsOf(address).host)
  } catch {
    return []
  }
}

/** `undefined` where there is none: another version of etcd3 may have it elsewhere. */
function valueIn(given: unknown, name: string): unknown {
  return typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
}
