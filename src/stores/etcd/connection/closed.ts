import { UnreachableError } from '../../../errors.js'

/** Why there is nothing when it was closed meanwhile. */
export function closed(): UnreachableError {
  return new UnreachableError('etcd: the connection was closed')
}
