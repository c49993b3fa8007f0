import { storeError } from '../errors.js'
import type { Dialling } from './dial.js'
import type { Endpoint, EtcdClient } from './endpoint.js'

/** Opens a client once somebody answers there, or at once where that cannot be known before. */
export async function reach(endpoint: Endpoint, how: Dialling): Promise<EtcdClient> {
  try {
    return await endpoint.open(how)
  } catch (thrown) {
    throw storeError('reaching etcd', thrown, endpoint)
  }
}
