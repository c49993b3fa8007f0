import { storeError, TokenError } from '../errors.js'
import type { Connection } from './endpoint.js'
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
  for (let logins = 0; ; logins += 1) {
    try {
      return await request()
    } catch (thrown) {
      const error = storeError(doing, thrown, endpoint)
      if (!(error instanceof TokenError)) throw error
      forgetLogin(client)
      if (logins === MOST_LOGINS) throw error
    }
  }
}
