import type { IKeyValue } from 'etcd3/lib/rpc.js'
import type { Entry } from '../store.js'

/** What stands at a path, from what etcd tells of its key. */
export function entryFrom({ value, create_revision, mod_revision, lease }: IKeyValue): Entry {
  return {
    text: value.toString(),
    token: Number(create_revision),
    revision: Number(mod_revision),
    lease: lease === '0' ? null : lease,
  }
}
