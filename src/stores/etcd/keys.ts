const NUL = Buffer.from([0])

/** A range of keys, as etcd's requests name it. */
export interface KeyRange {
  readonly key: Buffer
  readonly range_end: Buffer
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
