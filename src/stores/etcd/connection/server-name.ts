import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type { Etcd3 } from 'etcd3'
import { partsOf } from './addresses.js'
import type { Credentials } from './credentials.js'
import { membersOf } from './members.js'

/** Asked for in place of an address: TLS has no way to ask for one (RFC 6066, section 3). */
const ANY_NAME = 'etcd'
const OVERRIDE = 'grpc.ssl_target_name_override'

/** Whom a member is asked for in a TLS handshake. */
export function nameAskedFor(address: string): string {
  const { host } = partsOf(address)
  return isNumeric(host) ? ANY_NAME : host
}

/**
 * What gRPC needs in its options for a member that is named by its address. gRPC asks the member for
 * the address as if it were a name, which Node.js 26 no longer does (seen with grpc-js 1.14.7).
 */
export function serverNameOptions(address: string): Record<string, string> {
  return isNumeric(partsOf(address).host) ? { [OVERRIDE]: ANY_NAME } : {}
}

/**
 * Has the member's certificate compared with its address all the same. etcd3 has no option for that:
 * the credentials that it made are replaced before anything is sent.
 */
export function checkAddress(client: Etcd3, address: string, credentials: Credentials): void {
  const { host } = partsOf(address)
  if (!isNumeric(host)) return
  const { rootCertificate = null, privateKey = null, certChain = null } = credentials
  for (const member of membersOf(client)) {
    // The class of those that it has: gRPC takes credentials of its own copy only.
    const channelCredentials = member.channelCredentials.constructor.createSsl(
      rootCertificate,
      privateKey,
      certChain,
      { checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) },
    )
    Object.assign(member, { channelCredentials })
  }
}

function isNumeric(host: string): boolean {
  return isIP(host) !== 0
}
