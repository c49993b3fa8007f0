import type { EtcdClient } from './connection/endpoint.js'

const NUL = Buffer.from([0])

/** Where paths stand in etcd: after the client's namespace. */
export interface Keys {
  of(path: string): Buffer
  /** The path at a key; `null` when no path is written like that. */
  pathAt(key: Buffer): string | null
}

/** A range of keys, as etcd's requests name it. */
export interface KeyRange {
  readonly key: Buffer
  readonly range_end: Buffer
}

/** The key that `path` stands at. */
export function keyOf(client: EtcdClient, path: string): Buffer {
  return Buffer.concat([client.prefix, Buffer.from(path)])
}

/** The keys of all paths, and back. */
export function keysOf(client: EtcdClient): Keys {
  const { prefix } = client
  return {
    of: (path) => keyOf(client, path),
    pathAt(key) {
      const path = key.subarray(prefix.length).toString()
      return keyOf(client, path).equals(key) ? path : null
    },
  }
}

/** All keys that begin like this; all keys there are when `prefix` is empty (etcd, `range_end`). */
export function rangeOf(prefix: Buffer): KeyRange {
  if (prefix.length === 0) return { key: NUL, range_end: NUL }
  const end = Buffer.from(prefix)
  const last = end.length - 1
  end.writeUInt8(end.readUInt8(last) + 1, last)
  return { key: prefix, range_end: end }
}

/** What is left of a range after `key`. */
export function rangeAfter(key: Buffer, { range_end }: KeyRange): KeyRange {
  return { key: Buffer.concat([key, NUL]), range_end }
}
