import { getServers, type LookupAddress, promises } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP, type LookupFunction } from 'node:net'
import { join } from 'node:path'
import { errorFrom } from '../errors.js'

/** In milliseconds. A question to a name server keeps the process until it is answered or given up. */
const WITHIN_MS = 400
/** Of each name server, once more after that time. */
const PATIENCE = { timeout: 150, tries: 2 }
/** How many dots a name has that is looked for as it stands first, if nothing else is set. */
const USUAL_DOTS = 1

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/**
 * Finds a host's addresses in the hosts file, and else by DNS, for `net.connect`; it gives up after
 * 400 ms. The system's own function for that (getaddrinfo, `dns.lookup`) cannot be ended, and where a name
 * server does not answer it keeps a process for as long as half a minute, even one that calls `exit`.
 */
export const lookUp: LookupFunction = (host, { all, family }, callback) => {
  const isWanted = (one: LookupAddress) =>
    !family || family === one.family || family === `IPv${one.family}`
  addressesOf(host.toLowerCase()).then(
    (found) => {
      const wanted = found.filter(isWanted)
      const [first] = wanted
      if (first === undefined) callback(notFound(host), [])
      else if (all) callback(null, wanted)
      else callback(null, first.address, first.family)
    },
    (thrown) => callback(errorFrom(thrown), []),
  )
}

async function addressesOf(host: string): Promise<readonly LookupAddress[]> {
  const written = hostsFile().get(host.replace(/\.$/, ''))
  if (written !== undefined) return written
  if (/(^|\.)localhost\.?$/.test(host)) return LOOPBACK
  const resolver = newResolver()
  const timer = setTimeout(() => resolver.cancel(), WITHIN_MS)
  const answers = namesFor(host).flatMap((name) => [
    resolver.resolve4(name).then(
      (found) => found.map((address) => ({ address, family: 4 })),
      () => [],
    ),
    resolver.resolve6(name).then(
      (found) => found.map((address) => ({ address, family: 6 })),
      () => [],
    ),
  ])
  const found = await Promise.all(answers)
  clearTimeout(timer)
  // Of the first name that there is: both kinds of its addresses.
  const first = found.findIndex(({ length }) => length > 0)
  return first === -1 ? [] : found.slice(first - (first % 2), first - (first % 2) + 2).flat()
}

/** Asks whom `dns.resolve` asks: the servers of the system, or those that the app has set. */
function newResolver() {
  const resolver = new promises.Resolver(PATIENCE)
  try {
    resolver.setServers(getServers())
  } catch {
    // Not all that the system's may look like can be set, such as one with a zone. It has those anyhow.
  }
  return resolver
}

function notFound(host: string): NodeJS.ErrnoException {
  const error = new Error(`no address of ${host} was found within ${WITHIN_MS} ms`)
  return Object.assign(error, { code: 'ENOTFOUND' })
}

/** The names by which a host may be known, as resolv.conf(5) has it. */
function namesFor(host: string): readonly string[] {
  if (host.endsWith('.')) return [host.slice(0, -1)]
  const settings = linesOf('/etc/resolv.conf')
  const search =
    settings.findLast(([name]) => name === 'search' || name === 'domain')?.slice(1) ?? []
  const options = settings.filter(([name]) => name === 'options').flatMap((words) => words.slice(1))
  const set = options.findLast((option) => option.startsWith('ndots:'))?.slice('ndots:'.length)
  const dots = host.split('.').length - 1
  const longer = search.map((domain) => `${host}.${domain.replace(/\.$/, '')}`)
  return dots >= Number(set ?? USUAL_DOTS) ? [host, ...longer] : [...longer, host]
}

/** Addresses by name, as hosts(5) has it. */
function hostsFile(): ReadonlyMap<string, readonly LookupAddress[]> {
  const { SystemRoot } = process.env
  const windows = join(SystemRoot ?? '', 'System32', 'drivers', 'etc', 'hosts')
  const found = new Map<string, LookupAddress[]>()
  for (const [address = '', ...names] of linesOf(
    process.platform === 'win32' ? windows : '/etc/hosts',
  )) {
    const family = isIP(address)
    if (family === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      found.set(key, [...(found.get(key) ?? []), { address, family }])
    }
  }
  return found
}

/** The words of each line, without its comment. Read at once: to wait for it would keep the process, too. */
function linesOf(file: string): readonly (readonly string[])[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines
      .map((line) =>
        line
          .replace(/[#;].*/, '')
          .trim()
          .split(/\s+/),
      )
      .filter(([word]) => word !== '')
  } catch {
    // There need be none.
    return []
  }
}
