import type { CallOptions, InterceptingCall, Interceptor } from '@grpc/grpc-js'
import type { EtcdClient } from '../connection/endpoint.js'

/** Which call it is, in etcd3's words. */
export type StreamContext =
  | { readonly service: 'Watch'; readonly method: 'watch'; readonly isStream: true }
  | { readonly service: 'Lease'; readonly method: 'leaseKeepAlive'; readonly isStream: true }

/**
 * Call options for a long-lived stream: etcd ends a stream that requires a leader as soon as its
 * member has lost the leader of the cluster (metadata `hasleader`, server/etcdserver/api/v3rpc).
 *
 * They take the place of the client's own default options, of which interceptors are kept, and a
 * deadline is not: it is meant for requests.
 */
export function streamOptions(client: EtcdClient, context: StreamContext): CallOptions {
  return {
    deadline: Number.POSITIVE_INFINITY,
    interceptors: [requireLeader, ...interceptorsOf(client, context)],
  }
}

/** Without gRPC's own class for it, which would have to be loaded, from the copy that the client uses. */
function requireLeader(...[options, nextCall]: Parameters<Interceptor>): InterceptingCall {
  const call = nextCall(options)
  const start: typeof call.start = call.start.bind(call)
  call.start = (metadata, listener) => {
    metadata.set('hasleader', 'true')
    start(metadata, listener)
  }
  // gRPC takes whatever has these methods, and its types ask for the class.
  return call as InterceptingCall
}

function interceptorsOf(client: EtcdClient, context: StreamContext): readonly Interceptor[] {
  const options: unknown = Reflect.get(client, 'options')
  const defaults = partOf(options, 'defaultCallOptions')
  const resolved: unknown = typeof defaults === 'function' ? defaults(context) : defaults
  const interceptors = partOf(resolved, 'interceptors')
  return Array.isArray(interceptors) ? interceptors : []
}

function partOf(given: unknown, name: string): unknown {
  return typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
}
