import { InvalidArgumentError } from 'commander'

export function checkPath(given: string): string {
  if (given === '') throw new InvalidArgumentError('It must not be empty; expected a key.')
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
  return ttl
}
