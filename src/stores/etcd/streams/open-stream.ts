import type { CallOptions } from '@grpc/grpc-js'
import { UnreachableError } from '../../../errors.js'
import { asUser } from '../connection/as-user.js'
import type { Endpoint, EtcdClient } from '../connection/endpoint.js'
import type { Endpoints } from '../connection/failover.js'
import { type StreamContext, streamOptions } from './stream-options.js'

/** A duplex stream of etcd3, as far as it is used here. */
export interface Stream<Request, Response> {
  write(request: Request): unknown
  end(): void
  cancel(): void
  on(event: 'data', listener: (response: Response) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/** What is to be opened. */
interface Opening<S> {
  /** What it is for; messages begin with it. */
  readonly doing: string
  readonly context: StreamContext
  open(client: EtcdClient, options: CallOptions): Promise<S>
}

export interface Opened<S> {
  /** Which leads to the member that the stream is to. */
  readonly client: EtcdClient
  readonly endpoint: Endpoint
  readonly stream: S
}

/**
 * Opens a stream to the member in use, after a race for one if there is none.
 *
 * @throws UnreachableError (as a rejection) when that member was given up before the stream was open:
 * who ends streams then would not have known of it.
 */
export async function openStream<S extends { cancel(): void }>(
  endpoints: Endpoints,
  { doing, context, open }: Opening<S>,
): Promise<Opened<S>> {
  const connection = await endpoints.connection()
  const { client, endpoint } = connection
  const stream = await asUser(connection, doing, () => open(client, streamOptions(client, context)))
  if (endpoints.isInUse(client)) return { client, endpoint, stream }
  stream.cancel()
  throw new UnreachableError(`${doing}: the member was given up`)
}
