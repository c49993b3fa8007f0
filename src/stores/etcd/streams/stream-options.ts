import { createRequire } from 'node:module'
import type { CallOptions, Interceptor } from '@grpc/grpc-js'
import type { EtcdClient } from '../connection/endpoint.js'

const require = createRequire(import.meta.url)

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
  // Loaded when it is needed: importing `locked` must not load a client that is not used.
  const { InterceptingCall }: typeof import('@grpc/grpc-js') = require('@grpc/grpc-js')
  const requireLeader: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set('hasleader', 'true')
        next(metadata, listener)
      },
    })
  return {
    deadline: Number.POSITIVE_INFINITY,
    interceptors: [requireLeader, ...interceptorsOf(client, context)],
  }
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
