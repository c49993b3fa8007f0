import { randomUUID } from 'node:crypto'
import type * as etcd3 from 'etcd3'
import { type Host, partsOf } from './addresses.js'
import { loadClient } from './client.js'
import { closed } from './closed.js'
import { type Credentials, type CredentialsSource, credentialsNow } from './credentials.js'
import { type Dialling, dial } from './dial.js'
import { warnOfPlainLogin } from './given-client.js'
import { Login } from './login.js'
import { keepConnections } from './members.js'
import { warnOfPlainPassword } from './plain-password.js'
import { checkAddress, nameAskedFor, serverNameOptions } from './server-name.js'
import { Standing } from './standing.js'
import { within } from './within.js'

/** An etcd3 client, or a namespace of one. */
export type EtcdClient = etcd3.Etcd3 | etcd3.Namespace

/** How one member, or one client of the user's, is reached. */
export interface Endpoint {
  readonly name: string
  /** Who logs in there, as far as is known. */
  readonly user?: string | undefined
  /** Whether etcd has let this client in before, at whichever member. */
  readonly wasLetIn?: boolean
  /** Whether another connection may be made with other credentials than the one before. */
  readonly renewsCredentials?: boolean
  /** Whether a connection begins with a TLS handshake. */
  readonly isTls?: boolean
  /** Whether `open` makes a new connection each time. */
  readonly makesConnections?: boolean
  /** Whether gRPC finds out by pings that a connection has been forgotten on its way. */
  readonly isPinged?: boolean
  /** It has answered what it answers only to who is let in. */
  served?(): void
  /** Connections that are made from now on are without pings. */
  refusePings?(): void
  /** Resolves with a client when somebody answers there, as far as that can be known; rejects with why not. */
  open(how: Dialling): Promise<EtcdClient>
  /** Ends what `open` made. A client that the user passed in is never closed. */
  close(client: EtcdClient): void
}

/** A client that is open, and where to. */
export interface Connection {
  readonly endpoint: Endpoint
  readonly client: EtcdClient
}

/** What is passed on to etcd3 (see its IOptions). */
export interface EtcdOptions extends Omit<etcd3.IOptions, 'hosts' | 'credentials'> {
  readonly credentials?: CredentialsSource
}

/** Often enough for most of what forgets idle connections; etcd takes one every 5 s (--grpc-keepalive-min-time). */
const PINGS = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 2_000 }

const GRPC_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // gRPC would repeat a request on a connection of its own, unseen by those who count the attempts.
  'grpc.enable_retries': 0,
}

/** Tells this copy of the package from others in the process, which may use the same copy of gRPC. */
const COPY = randomUUID()
let connections = 0

/** The members at `hosts`, all of which know the same users. */
export function memberEndpoints(hosts: readonly Host[], options: EtcdOptions): readonly Endpoint[] {
  const standing = new Standing()
  return hosts.map((host) => memberEndpoint(host, options, standing))
}

/** The member at `host`, through a client of our own. */
export function memberEndpoint(
  { secure, address }: Host,
  { auth, credentials: source, ...options }: EtcdOptions,
  standing = new Standing(),
): Endpoint {
  /** What was opened for logins, by the client that they are for. */
  const doors = new WeakMap<EtcdClient, etcd3.Etcd3>()
  const isTls = secure || source !== undefined
  const byProxy = options.grpcOptions?.['grpc.enable_http_proxy'] !== 0
  let isPinged = true
  const nameGiven: unknown = options.grpcOptions?.['grpc.ssl_target_name_override']
  if (auth !== undefined && !isTls) {
    const { host } = partsOf(address)
    warnOfPlainPassword(
      host,
      `use https://${address}, with credentials: { rootCertificate } (--cacert) for a CA of your own`,
    )
  }
  const handshakeWith = ({ privateKey: key, certChain: cert }: Credentials = {}) => ({
    name: typeof nameGiven === 'string' ? nameGiven : nameAskedFor(address),
    key,
    cert,
  })
  return {
    name: address,
    user: auth?.username,
    get wasLetIn() {
      return standing.wasLetIn
    },
    served() {
      // Where there is a login, it is that which counts: none may have been asked for yet.
      if (auth === undefined) standing.letIn()
    },
    renewsCredentials: typeof source === 'function',
    isTls,
    makesConnections: true,
    get isPinged() {
      return isPinged
    },
    refusePings() {
      isPinged = false
    },
    async open(how) {
      const { timeoutMs, signal } = how
      const credentials =
        typeof source === 'function'
          ? await within(timeoutMs, 'asking for credentials', credentialsNow(source))
          : source
      // Loading takes longer than being answered does.
      const [, { Etcd3, noop }] = await Promise.all([
        dial(address, { ...how, byProxy }, isTls ? handshakeWith(credentials) : null),
        loadClient(),
      ])
      if (signal.aborted) throw closed()
      connections += 1
      // A name that the user gave is asked for, and the certificate compared with it.
      const checks = isTls && nameGiven === undefined
      const settings = {
        ...options,
        // gRPC trusts the system's roots where there are none, which etcd3's types do not allow for.
        ...(credentials && {
          credentials: credentials as NonNullable<etcd3.IOptions['credentials']>,
        }),
        hosts: `${secure ? 'https' : 'http'}://${address}`,
        // etcd3’s circuit breaker stays open for 5 s, and its retries know nothing of validity.
        faultHandling: { host: () => noop, global: noop, ...options.faultHandling },
        grpcOptions: {
          ...GRPC_OPTIONS,
          ...(isPinged && PINGS),
          ...(checks && serverNameOptions(address)),
          ...options.grpcOptions,
          // gRPC shares connections between clients whose options are equal. A client that takes the
          // place of one whose connection is frozen must get a new one.
          'locked.connection': `${COPY} ${connections}`,
        },
      }
      const make = () => {
        const made = new Etcd3(settings)
        keepConnections(made)
        if (checks) checkAddress(made, address, credentials ?? {})
        return made
      }
      const client = make()
      if (auth !== undefined) {
        const door = make()
        doors.set(client, door)
        Login.for(client, door, auth, standing)
      }
      return client
    },
    close(client) {
      doors.get(client)?.close()
      if ('close' in client) client.close()
    },
  }
}

/** A client of the user’s, which is never closed by us. */
export function clientEndpoint(client: EtcdClient): Endpoint {
  warnOfPlainLogin(client)
  const standing = new Standing()
  return {
    name: 'the given etcd3 client',
    get wasLetIn() {
      return standing.wasLetIn
    },
    served: () => standing.letIn(),
    open: async () => client,
    close: () => undefined,
  }
}

/** An Etcd3 or a namespace of one, from whichever copy of the package. */
export function isEtcdClient(given: object): given is etcd3.Etcd3 {
  return (
    'kv' in given &&
    'leaseClient' in given &&
    'watchClient' in given &&
    'prefix' in given &&
    Buffer.isBuffer(given.prefix)
  )
}
