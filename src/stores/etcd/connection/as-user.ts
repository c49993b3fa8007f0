import { storeError, TokenError } from '../errors.js'
import type { Connection, Endpoint, EtcdClient } from './endpoint.js'
import { forgetLogin } from './login.js'

/** Each change of etcd's users and roles can end all logins, and an operator makes several in a row. */
export const MOST_LOGINS = 5

/**
 * Makes a request, and repeats it with another login where the one that it was made with counts no
 * more: etcd has not carried it out then.
 *
 * @throws LockedError (as a rejection) whatever went wrong.
 */
export async function asUser<T>(
  { client, endpoint }: Connection,
  doing: string,
  request: () => Promise<T>,
): Promise<T> {
  try {
    return await loggingIn(client, endpoint, request)
  } catch (thrown) {
    throw storeError(doing, thrown, endpoint)
  }
}

/** The same; rejects with what `request` rejects with. */
export async function loggingIn<T>(
  client: EtcdClient,
  endpoint: Endpoint | undefined,
  request: () => Promise<T>,
): Promise<T> {
  for (let logins = 0; ; logins += 1) {
    try {
      return await request()
    } catch (thrown) {
      if (!(storeError('', thrown, endpoint) instanceof TokenError)) throw thrown
      forgetLogin(client)
      if (logins === MOST_LOGINS) throw thrown
    }
  }
}
