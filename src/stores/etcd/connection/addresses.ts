import { describe } from '../../../arguments.js'

const DEFAULT_PORT = 2379

/** One etcd member’s address. */
export interface Host {
  readonly secure: boolean
  /** `name:port`; an IPv6 address stands in brackets. */
  readonly address: string
}

/**
 * Reads hosts as users write them: `a:2379,b:2379` or a list; with or without a scheme, spaces after
 * commas, IPv6 addresses in brackets. The port defaults to 2379.
 *
 * @throws TypeError or RangeError that names the host that is wrong.
 */
export function parseHosts(given: string | readonly string[]): readonly [Host, ...Host[]] {
  const parts = (typeof given === 'string' ? [given] : given).flatMap((part: unknown) => {
    if (typeof part !== 'string') {
      throw new TypeError(`hosts: expected a list of strings, was given ${describe(part)} in it`)
    }
    return part.split(',')
  })
  const hosts = parts.map((part) => parseHost(part.trim()))
  const [first, ...others] = hosts
  if (first === undefined) {
    throw new RangeError(
      'hosts: the list is empty; expected at least one host such as 127.0.0.1:2379',
    )
  }
  return [first, ...others]
}

function parseHost(text: string): Host {
  const wrong = (why: string) =>
    new RangeError(`hosts: ${describe(text)} ${why}; expected host:port, such as 127.0.0.1:2379`)
  if (text === '') throw wrong('is empty')
  // It is not shown: a password would be.
  if (text.includes('@')) {
    throw new RangeError(
      'hosts: one holds a user or a password, which are given as the option auth: { username, password }; expected host:port, such as 127.0.0.1:2379',
    )
  }
  const match = /^(?:(https?):\/\/)?(\[[\da-f:.]+\]|[\w.-]+)(?::(\d+))?\/?$/i.exec(text)
  if (match === null) throw wrong('is not a host')
  const [, scheme, name, port] = match
  const number = port === undefined ? DEFAULT_PORT : Number(port)
  if (number < 1 || number > 65_535) throw wrong('has a port outside 1 to 65535')
  return { secure: scheme?.toLowerCase() === 'https', address: `${name}:${number}` }
}

/** The two parts of an address, without brackets. */
export function partsOf(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(address.slice(colon + 1)) }
}
