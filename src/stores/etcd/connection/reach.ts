import { storeError } from '../errors.js'
import type { Dialling } from './dial.js'
import type { Endpoint } from './endpoint.js'

/** Resolves when somebody answers there, or when that cannot be known before a client is opened. */
export async function reach(endpoint: Endpoint, how: Dialling): Promise<void> {
  try {
    await endpoint.dial?.(how)
  } catch (thrown) {
    throw storeError('reaching etcd', thrown, endpoint)
  }
}
