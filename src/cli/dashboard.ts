import { setFlagsFromString } from 'node:v8'
import { type Command, Option } from 'commander'
import { LONGEST_TOKEN, SHORTEST_TOKEN } from '../dashboard/access.js'
import { Board } from '../dashboard/board.js'
import { PathSource } from '../dashboard/path-source.js'
import { Dashboard } from '../dashboard/server.js'
import { errorFrom } from '../errors.js'
import { load } from '../load.js'
import { askTransfer } from '../services/ask-transfer.js'
import type { Endpoint } from '../stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../stores/etcd/etcd-store.js'
import { checkPrefix, parsePort } from './arguments.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  connectionFrom,
  endpointsOf,
} from './connection.js'
import { oneLine, Reachability, sayer } from './messages.js'
import { aborted, quitOnSignals } from './quit.js'
import { UsageError } from './usage-error.js'

/** How long a leader may take to end its work before the page is told that nothing came of it, in milliseconds. */
const HAND_OVER_WITHIN_MS = 10_000
/** How long the process may go on when it was told to end, in milliseconds. */
const EXIT_WITHIN_MS = 500

interface DashboardOptions extends ConnectionOptions {
  readonly prefix: string
  readonly host: string
  readonly port: number
  readonly allowControl?: true
}

/**
 * Where there are very many paths, and all of them change, V8 lets the heap grow to more than twice of what
 * it holds before it collects what is not needed, and the room for what has just been made sixteenfold.
 * Neither is any quicker here.
 */
const V8_FLAGS = ['--heap-growing-percent=20', '--semi-space-growth-factor=1']

const MORE = `
Processes show their nodes, state by state, when they run with
  LOCKED_INSPECT=ws://127.0.0.1:4100/inspect

From other machines it can be reached with --host 0.0.0.0, by the address that
is printed, which has a token in it (env: LOCKED_DASHBOARD_TOKEN, of ${SHORTEST_TOKEN}
characters or more; made up if not set). A token that is set is asked for on
this machine too, as behind a proxy:
  LOCKED_INSPECT=ws://127.0.0.1:4100/inspect?token=…`

export function addDashboard(program: Command): void {
  const command = program
    .command('dashboard')
    .description(
      'Serves a page that shows elections as they go on, and sends nothing anywhere else.',
    )
    .option('--prefix <prefix>', 'what the paths to watch begin with', checkPrefix, '/')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .addOption(
      new Option('--port <number>', 'the port to listen on; 0 is any')
        .default(4100)
        .argParser(parsePort),
    )
    .option(
      '--allow-control',
      'let the page ask leaders to hand over, and stop, start and freeze the nodes of demos',
    )
  addConnectionOptions(command).addHelpText('after', MORE).action(runDashboard)
}

/** Resolves when the user has quit. */
async function runDashboard(options: DashboardOptions): Promise<void> {
  const { prefix, host, port, allowControl } = options
  const token = tokenFrom(process.env)
  for (const flag of V8_FLAGS) setFlagsFromString(flag)
  const connection = await connectionFrom(options)
  const quit = new AbortController()
  const unsubscribe = quitOnSignals(quit)
  const board = new Board()
  const members = connection.hosts.map((host) => host.replace(/^https?:\/\//, ''))
  const name = `etcd ${members.join(', ')}`
  const source = new PathSource(board, { id: 'etcd', kind: 'etcd', name })
  source.disconnected('connecting')
  const endpoints = endpointsOf(connection)
  const settings = {
    board,
    title: prefix,
    host,
    port,
    token,
    allowControl: allowControl === true,
    handOver: (path: string, to: string | null) => handOver(endpoints, path, to),
  }
  const dashboard = await open(settings)
  // While that is loaded nothing is answered, which whoever is told of the address would notice. Should it
  // fail, the store tells.
  await load('etcd3').catch(() => undefined)
  const say = sayer(false)
  say(`the dashboard is at ${dashboard.url}`)
  const reachability = new Reachability(say)
  const found = () => {
    source.connected()
    reachability.recovered()
  }
  const watch = new EtcdStore(endpoints).observe(prefix, {
    seen: (path, sighting) => source.seen(path, sighting),
    beside: (at, sighting) => source.beside(at, sighting),
    known: found,
    recovered: found,
    retrying(error) {
      source.disconnected(error.message)
      reachability.retrying(error)
    },
    refused(error) {
      source.disconnected(error.message)
      say(oneLine(error.message))
    },
  })
  await aborted(quit.signal)
  watch.close()
  board.close()
  await dashboard.close()
  unsubscribe()
  // Whoever is being asked to hand over does not keep the process.
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
}

/** As `locked transfer` does, over a connection of its own. */
async function handOver(
  endpoints: readonly Endpoint[],
  path: string,
  to: string | null,
): Promise<void> {
  const store = new EtcdStore(endpoints)
  try {
    await askTransfer(store, path, to, HAND_OVER_WITHIN_MS)
  } finally {
    store.closeIdle()
  }
}

/**
 * @throws UsageError where one is set that could be guessed (an empty one would let everybody in), or that
 * would let nobody in, since no request may be so long.
 */
function tokenFrom({ LOCKED_DASHBOARD_TOKEN: token }: NodeJS.ProcessEnv): string | undefined {
  if (token === undefined) return undefined
  const { length } = token
  if (length >= SHORTEST_TOKEN && length <= LONGEST_TOKEN) return token
  const right =
    length < SHORTEST_TOKEN
      ? `${SHORTEST_TOKEN} characters or more`
      : `${LONGEST_TOKEN} characters at most`
  throw new UsageError(`LOCKED_DASHBOARD_TOKEN: expected ${right}, was given ${length}`)
}

interface OpenSettings {
  readonly board: Board
  readonly title: string
  readonly host: string
  readonly port: number
  readonly token: string | undefined
  readonly allowControl: boolean
  readonly handOver: (path: string, to: string | null) => Promise<void>
}

async function open(settings: OpenSettings): Promise<Dashboard> {
  const { host, port } = settings
  try {
    return await Dashboard.open(settings)
  } catch (thrown) {
    throw new UsageError(`--host ${host} --port ${port}: ${errorFrom(thrown).message}`)
  }
}
