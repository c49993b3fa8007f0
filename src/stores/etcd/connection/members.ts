import type { ChannelCredentials } from '@grpc/grpc-js'
import type { Etcd3 } from 'etcd3'

/** What etcd3 knows a member by: its `Host`, which it does not export. */
interface Member {
  readonly channelCredentials: { readonly constructor: typeof ChannelCredentials }
  resetAllServices(): void
  close(): void
}

/** The members of a client. */
export function membersOf(client: Etcd3): readonly Member[] {
  const pool: unknown = Reflect.get(client, 'pool')
  const members: unknown = typeof pool === 'object' && pool !== null && Reflect.get(pool, 'hosts')
  if (!Array.isArray(members) || !members.every(isMember)) {
    throw new Error('etcd: this version of etcd3 is not known; use etcd3 1.1')
  }
  return members
}

/**
 * Keeps the client from connecting anew by itself: it does so after each answer such as “too many
 * requests”, under the streams that are open. Whoever made it gives it up when that is due.
 */
export function keepConnections(client: Etcd3): void {
  for (const member of membersOf(client)) {
    const reset = member.resetAllServices.bind(member)
    const close = member.close.bind(member)
    member.resetAllServices = () => undefined
    member.close = () => {
      reset()
      close()
    }
  }
}

function isMember(given: unknown): given is Member {
  if (typeof given !== 'object' || given === null) return false
  const credentials: unknown = Reflect.get(given, 'channelCredentials')
  return (
    typeof Reflect.get(given, 'resetAllServices') === 'function' &&
    typeof Reflect.get(given, 'close') === 'function' &&
    typeof credentials === 'object' &&
    credentials !== null &&
    typeof Reflect.get(credentials.constructor, 'createSsl') === 'function'
  )
}
