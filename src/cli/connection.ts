import type { Command } from 'commander'
import { errorFrom } from '../errors.js'
import type { LockerOptions } from '../locker.js'
import { type Host, parseHosts } from '../stores/etcd/connection/addresses.js'
import type { Endpoint } from '../stores/etcd/connection/endpoint.js'
import { memberEndpoints } from '../stores/etcd/connection/endpoint.js'
import { readFile } from './file.js'
import { askPassword, passwordIn } from './password.js'
import { UsageError } from './usage-error.js'

const DEFAULT_ENDPOINTS = '127.0.0.1:2379'

/** The options that `addConnectionOptions` adds, as commander gives them. */
export interface ConnectionOptions {
  readonly endpoints?: string
  readonly cacert?: string
  readonly cert?: string
  readonly key?: string
  readonly user?: string
  readonly passwordFile?: string
}

/** What `locked(hosts, options)` takes. */
export interface Connection {
  /** One for each member, with its scheme. */
  readonly hosts: readonly string[]
  readonly options: Pick<LockerOptions, 'credentials' | 'auth'>
}

/** Adds the options for a connection, by etcdctl's names. */
export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup('Connection, by the names that etcdctl has for it:')
    .option(
      '--endpoints <list>',
      `etcd's members, with commas between them (default: ${DEFAULT_ENDPOINTS}, env: ETCDCTL_ENDPOINTS)`,
    )
    .option('--cacert <file>', 'verify members by this CA bundle (env: ETCDCTL_CACERT)')
    .option('--cert <file>', 'identify this client by this certificate (env: ETCDCTL_CERT)')
    .option('--key <file>', 'the key that belongs to --cert (env: ETCDCTL_KEY)')
    .option(
      '--user <name>',
      'log in as this user (env: ETCDCTL_USER, there also as name:password); the password is taken from ETCDCTL_PASSWORD, or asked for on the terminal',
    )
    .option('--password-file <file>', 'take the password from its first line; - is standard input')
}

/**
 * How to reach etcd, as the command line and the environment say. Options win over the environment.
 * Asks for a password on the terminal when there is a user and no password.
 *
 * @throws UsageError when something is wrong with what they say, or a file cannot be read.
 */
export async function connectionFrom(
  options: ConnectionOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Connection> {
  // An empty variable counts as none, as with etcdctl.
  const given = (option: string | undefined, name: string) => option ?? (env[name] || undefined)
  const endpoints = given(options.endpoints, 'ETCDCTL_ENDPOINTS') ?? DEFAULT_ENDPOINTS
  const credentials = credentialsFrom({
    cacert: given(options.cacert, 'ETCDCTL_CACERT'),
    cert: given(options.cert, 'ETCDCTL_CERT'),
    key: given(options.key, 'ETCDCTL_KEY'),
  })
  const hosts = hostsFrom(endpoints, credentials !== null)
  const auth = await authFrom(options, env)
  return { hosts, options: { ...(credentials && { credentials }), ...(auth && { auth }) } }
}

/** As in etcdctl, members whose scheme is not given are reached by TLS when there is a certificate. */
function hostsFrom(endpoints: string, areSecure: boolean): readonly string[] {
  let hosts: readonly Host[]
  try {
    hosts = parseHosts(endpoints)
  } catch (thrown) {
    throw new UsageError(`--endpoints: ${errorFrom(thrown).message}`)
  }
  const schemes = endpoints.split(',').map((endpoint) => /^\s*https?:/i.test(endpoint))
  return hosts.map(({ secure, address }, at) => {
    const isSecure = secure || (areSecure && schemes[at] === false)
    return `${isSecure ? 'https' : 'http'}://${address}`
  })
}

interface CertificateFiles {
  readonly cacert: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** They are read at once, so that what is wrong with them is said at once, and again for each connection. */
function credentialsFrom({ cacert, cert, key }: CertificateFiles) {
  if (cacert === undefined && cert === undefined && key === undefined) return null
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--cert and --key: one is of no use without the other')
  }
  const read = () => ({
    ...(cacert !== undefined && { rootCertificate: readFile('--cacert', cacert) }),
    ...(cert !== undefined && { certChain: readFile('--cert', cert) }),
    ...(key !== undefined && { privateKey: readFile('--key', key) }),
  })
  read()
  return read
}

async function authFrom({ user, passwordFile }: ConnectionOptions, env: NodeJS.ProcessEnv) {
  if (user?.includes(':')) {
    // Every user of the machine can read the arguments of every process.
    throw new UsageError(
      '--user: a password on the command line can be seen by others; give the name only, and the password by ETCDCTL_PASSWORD, by ETCDCTL_USER=name:password, by --password-file or on the terminal',
    )
  }
  const [name = '', ...rest] = (env.ETCDCTL_USER ?? '').split(':')
  const username = user ?? name
  if (username === '') {
    if (passwordFile === undefined && user === undefined) return null
    throw new UsageError('--user: the name is missing')
  }
  return { username, password: await password() }

  async function password(): Promise<string> {
    if (passwordFile !== undefined) return passwordIn(passwordFile)
    if (name === username && rest.length > 0) return rest.join(':')
    return env.ETCDCTL_PASSWORD || (await askPassword(username))
  }
}

/** The members of a connection, for a store or a watch of one's own. */
export function endpointsOf({ hosts, options }: Connection): readonly Endpoint[] {
  return memberEndpoints(parseHosts(hosts), options)
}
