import { InvalidArgumentError } from 'commander'
import { isUnicode, LONGEST_TTL } from '../arguments.js'

export function checkPath(given: string): string {
  if (given === '') throw new InvalidArgumentError('It must not be empty; expected a key.')
  return checkPrefix(given)
}

/** What paths begin with; empty for all there are. */
export function checkPrefix(given: string): string {
  // Node.js puts this in the place of bytes that are not UTF-8.
  if (!isUnicode(given) || given.includes('\ufffd')) {
    throw new InvalidArgumentError(
      'It must be valid UTF-8, without the replacement character U+FFFD.',
    )
  }
  return given
}

/** Any number of paths, as commander collects them. */
export function collectPaths(given: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), checkPath(given)]
}

export function checkNotEmpty(given: string): string {
  if (given === '') throw new InvalidArgumentError('It must not be empty.')
  return given
}

export function parseTtl(given: string): number {
  const ttl = Number(given)
  if (given.trim() === '' || !Number.isFinite(ttl) || ttl <= 0) {
    throw new InvalidArgumentError('Expected a number of seconds above 0.')
  }
  if (ttl > LONGEST_TTL) {
    throw new InvalidArgumentError(`Expected at most ${LONGEST_TTL} seconds: etcd grants no more.`)
  }
  return ttl
}

/** A port from 0 (any) to 65535. */
export function parsePort(given: string): number {
  const port = Number(given)
  if (!/^\d+$/.test(given) || port > 65_535) {
    throw new InvalidArgumentError('Expected a port from 0 to 65535.')
  }
  return port
}
