import type { Metadata } from '@grpc/grpc-js'
import type { Etcd3, IOptions } from 'etcd3'
import { debug } from '../../../debug.js'
import { errorFrom } from '../../../errors.js'
import { isLoginRefusal } from '../errors.js'
import type { Standing } from './standing.js'

/** A user's name and password (see etcd3's IOptions). */
export type Auth = NonNullable<IOptions['auth']>

/** What an etcd3 client asks for the token that goes with each of its requests. */
interface Authenticator {
  getMetadata(): Promise<Metadata>
  /** Called when etcd no longer takes the token: the next request needs another one. */
  invalidateMetadata(): void
}

const LOGIN_WITHIN_MS = 2_000
const NOT_ENABLED = /authentication is not enabled/i

/**
 * Logs in over a connection that is opened for it and closed with the client's.
 *
 * etcd3 itself would log in over a connection that it never closes, without keep-alive pings, and
 * that gRPC shares with every later client for the same address: once it is frozen, nobody in the
 * process could log in again for a quarter of an hour (seen with etcd3 1.1.2).
 */
export class Login implements Authenticator {
  readonly #door: Etcd3
  readonly #auth: Auth
  readonly #anonymous: Authenticator
  readonly #standing: Standing
  #entering: Promise<Metadata> | null = null
  /** Whether the login that was begun last is still on its way. */
  #isEntering = false

  private constructor(door: Etcd3, auth: Auth, anonymous: Authenticator, standing: Standing) {
    this.#door = door
    this.#auth = auth
    this.#anonymous = anonymous
    this.#standing = standing
  }

  /** Gives `client`, which was made without a login, one that is sent through `door`. */
  static for(client: Etcd3, door: Etcd3, auth: Auth, standing: Standing): void {
    const pool = poolOf(client)
    const anonymous = authenticatorOf(client)
    if (pool === null || anonymous === null) {
      throw new Error('etcd: this version of etcd3 is not known; use etcd3 1.1')
    }
    Reflect.set(pool, 'authenticator', new Login(door, auth, anonymous, standing))
  }

  getMetadata(): Promise<Metadata> {
    if (this.#entering === null) {
      const entering = this.#enter().finally(() => {
        this.#isEntering = false
      })
      this.#isEntering = true
      this.#entering = entering
      entering.catch(() => {
        if (this.#entering === entering) this.#entering = null
      })
    }
    return this.#entering
  }

  /** Of many requests that were sent with the same token, all are told that it counts no more. */
  invalidateMetadata(): void {
    if (!this.#isEntering) this.#entering = null
  }

  async #enter(): Promise<Metadata> {
    this.#standing.assertDue()
    const { username, password, callOptions } = this.#auth
    const context = {
      service: 'Auth',
      method: 'authenticate',
      params: { name: username, password },
      isStream: false,
    } as const
    const metadata = await this.#anonymous.getMetadata()
    try {
      const { token } = await this.#door.auth.authenticate(
        { name: username, password },
        {
          deadline: Date.now() + LOGIN_WITHIN_MS,
          ...(typeof callOptions === 'function' ? callOptions(context) : callOptions),
        },
      )
      this.#standing.letIn()
      metadata.set('token', token)
    } catch (thrown) {
      // etcd's own clients go on as well. Should it be switched on, the next request is refused.
      if (!NOT_ENABLED.test(errorFrom(thrown).message)) {
        if (isLoginRefusal(thrown)) this.#standing.refuse(thrown)
        throw thrown
      }
      debug('etcd: authentication is not enabled; goes on without a login')
    }
    return metadata
  }
}

/** Has the client log in again for its next request. */
export function forgetLogin(client: object): void {
  authenticatorOf(client)?.invalidateMetadata()
}

function poolOf(client: object): object | null {
  const pool: unknown = Reflect.get(client, 'pool')
  return isObject(pool) ? pool : null
}

function authenticatorOf(client: object): Authenticator | null {
  const pool = poolOf(client)
  const authenticator: unknown = pool && Reflect.get(pool, 'authenticator')
  return isAuthenticator(authenticator) ? authenticator : null
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null
}

function isAuthenticator(given: unknown): given is Authenticator {
  return isObject(given) && 'getMetadata' in given && 'invalidateMetadata' in given
}
