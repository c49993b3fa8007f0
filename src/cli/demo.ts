import { setTimeout as delay } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseHosts } from '../stores/etcd/connection/addresses.js'
import { memberEndpoint } from '../stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../stores/etcd/etcd-store.js'
import { MemoryStore } from '../stores/memory.js'
import { checkPath, parsePort, parseTtl } from './arguments.js'
import { Demo } from './demo/demo.js'
import { DemoDashboard, type DemoStore } from './demo/demo-dashboard.js'
import { LineDisplay } from './demo/line-display.js'
import { TerminalDisplay } from './demo/terminal-display.js'
import { aborted, quitOnSignals } from './quit.js'
import { print } from './shown.js'

/** How long quitting may take before what is left is given up, in milliseconds. */
const QUIT_WITHIN_MS = 1_000
/** How long the process may go on after that, in milliseconds. */
const EXIT_WITHIN_MS = 500

interface DemoOptions {
  readonly endpoints?: string
  readonly path: string
  readonly ttl: number
  readonly port: number
  readonly dashboard: boolean
}

const KEYS = `
Keys:
  1-3        choose a node
  s, t       stop it, start it
  f          freeze or thaw its connection
  k          kill it: it disappears without release
  h          have the leader hand over, whichever is chosen
  q, Ctrl-C  quit`

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('Runs a live election of three nodes, in this process or on etcd.')
    .addOption(
      new Option(
        '--endpoints <list>',
        'etcd to run on, such as 127.0.0.1:2379,127.0.0.1:2380 (default: an embedded store)',
      ).argParser(checkEndpoints),
    )
    .option('--path <path>', 'the path that is competed for', checkPath, '/demo')
    .option('--ttl <seconds>', 'how long the lease of a node that has gone lasts', parseTtl, 5)
    .addOption(
      new Option('--port <number>', 'the port of its dashboard; another if that is taken')
        .default(4100)
        .argParser(parsePort),
    )
    .option('--no-dashboard', 'serve no dashboard')
    .addHelpText('after', KEYS)
    .action(runDemo)
}

/** Resolves when the user has quit, and the nodes are stopped. */
async function runDemo(options: DemoOptions): Promise<void> {
  const { endpoints, path, ttl, port } = options
  const where = endpoints === undefined ? 'embedded store' : `etcd ${endpoints}`
  const quit = new AbortController()
  const { stdin, stdout } = process
  const isTerminal = stdout.isTTY && process.env.TERM !== 'dumb'
  const display = isTerminal
    ? new TerminalDisplay(stdin, stdout, quit)
    : new LineDisplay(
        (line) => print(stdout, line),
        (line) => print(process.stderr, line),
      )
  const openStore = storeOpener(endpoints)
  const dashboard = options.dashboard
    ? new DemoDashboard({ path, where, store: openStore(), port })
    : null
  const demo = new Demo(
    { path, ttl, where, openStore, inspect: (id, event) => dashboard?.inspect(id, event) },
    (event) => {
      if (event.kind === 'kill') dashboard?.killed(event.id)
      display.tell(event)
    },
  )
  const unsubscribe = quitOnSignals(quit)
  const url = (await dashboard?.open(demo)) ?? null
  display.open(demo, url)
  demo.start()
  await aborted(quit.signal)
  display.rest()
  await dashboard?.close()
  const isReleased = await Promise.race([
    demo.close(QUIT_WITHIN_MS).then(() => true),
    delay(QUIT_WITHIN_MS, false, { ref: false }),
  ])
  display.close()
  unsubscribe()
  if (!isReleased) {
    print(
      process.stderr,
      `locked demo: ${where} does not answer; what is left there expires in ${ttl} s`,
    )
  }
  // Requests that nobody will answer do not keep the process.
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
}

/** On the embedded store all nodes share one; on etcd each has a connection of its own. */
function storeOpener(endpoints: string | undefined): () => DemoStore {
  if (endpoints !== undefined) {
    const hosts = parseHosts(endpoints)
    return () => new EtcdStore(hosts.map((host) => memberEndpoint(host, {})))
  }
  const store = new MemoryStore()
  return () => store
}

function checkEndpoints(given: string): string {
  try {
    parseHosts(given)
  } catch (thrown) {
    throw new InvalidArgumentError(thrown instanceof Error ? thrown.message : String(thrown))
  }
  return given
}
