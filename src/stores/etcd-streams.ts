import { createRequire } from 'node:module'
import type { CallOptions } from '@grpc/grpc-js'

const require = createRequire(import.meta.url)

/**
 * Call options for a long-lived stream: etcd ends a stream that requires a leader as soon as its
 * member has lost the leader of the cluster (metadata `hasleader`, server/etcdserver/api/v3rpc).
 */
export function requireLeader(): CallOptions {
  // Loaded when it is needed: importing `locked` must not load a client that is not used.
  const { InterceptingCall }: typeof import('@grpc/grpc-js') = require('@grpc/grpc-js')
  return {
    interceptors: [
      (options, nextCall) =>
        new InterceptingCall(nextCall(options), {
          start(metadata, listener, next) {
            metadata.set('hasleader', 'true')
            next(metadata, listener)
          },
        }),
    ],
  }
}

/** A duplex stream of etcd3, as far as it is used here. */
export interface Stream<Request, Response> {
  write(request: Request): unknown
  end(): void
  cancel(): void
  on(event: 'data', listener: (response: Response) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}
