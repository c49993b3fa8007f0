import type { ICompare, IRequestOp } from 'etcd3/lib/rpc.js'
import type { Reign } from '../store.js'

/** The two keys that tell which reign it is. */
export interface ReignKeys {
  /** That of the path. */
  readonly key: Buffer
  /** That which every hand-over writes; `null` where this user may not, and so is never handed over to. */
  readonly reigning: Buffer | null
}

/**
 * Compares that `reign` lasts. A claim creates the path's key, and a hand-over changes the other one:
 * its latest change is the hand-over that this reign began with, or came before this reign. The lease
 * as well, because an operator's put changes neither, but takes the lease off.
 */
export function compareReign({ key, reigning }: ReignKeys, reign: Reign): ICompare[] {
  const { token, lease, created } = reign
  const compare: ICompare[] = [
    { key, target: 'Create', result: 'Equal', create_revision: created ?? token },
    { key, target: 'Lease', result: 'Equal', lease },
  ]
  if (reigning !== null) {
    const result = created === undefined ? 'Less' : 'Equal'
    compare.push({ key: reigning, target: 'Mod', result, mod_revision: token })
  }
  return compare
}

/** Deletes all that stands there of a reign. */
export function deletionOf({ key, reigning }: ReignKeys, { created }: Reign): IRequestOp[] {
  const keys = created !== undefined && reigning !== null ? [key, reigning] : [key]
  return keys.map((one) => ({ request_delete_range: { key: one } }))
}

export function putOf(key: Buffer, text: string, lease: string): IRequestOp {
  return { request_put: { key, value: Buffer.from(text), lease } }
}
