import { inject } from 'vitest'

/** Whether the etcd of this test run has the v2 API, which ended with 3.5. */
export function servesV2(): boolean {
  return isBefore36()
}

/** Whether it renews a lease whose keys its user may not write any more, as it did up to 3.5. */
export function renewsWhateverItsKeys(): boolean {
  return isBefore36()
}

/** Where its version is not known it is Debian's, 3.4. */
function isBefore36(): boolean {
  const source = inject('etcdSource')
  return !('version' in source) || /^3\.[0-5]\b/.test(source.version)
}
