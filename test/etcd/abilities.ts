import { inject } from 'vitest'

/**
 * Whether the etcd of this test run has the v2 API, which ended with 3.5. Where its version is not known it
 * is Debian's, 3.4.
 */
export function servesV2(): boolean {
  const source = inject('etcdSource')
  return !('version' in source) || /^3\.[0-5]\b/.test(source.version)
}
