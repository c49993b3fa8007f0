import type { Etcd3 } from 'etcd3'

/** What a role may read and write: one key, or all that begin alike. */
type Grant = { readonly keys: readonly string[] } | { readonly prefix: string }

export const ROOT = { username: 'root', password: 'root’s secret' }

/** Makes users with the password `secret of NAME`, and has etcd ask for a login from then on. Closes the client. */
export async function withUsers(
  operator: Etcd3,
  users: Readonly<Record<string, Grant | null>>,
): Promise<void> {
  try {
    for (const [name, grant] of Object.entries(users)) {
      const user = await operator.user(name).create(secretOf(name))
      if (grant === null) continue
      const role = await operator.role(name).create()
      for (const range of 'keys' in grant ? grant.keys : [grant]) {
        await role.grant({ permission: 'Readwrite', range: operator.range(range) })
      }
      await user.addRole(role)
    }
    const root = await operator.user(ROOT.username).create(ROOT.password)
    await root.addRole(await operator.role('root').create())
    await operator.auth.authEnable({})
  } finally {
    operator.close()
  }
}

export function secretOf(username: string): string {
  return `secret of ${username}`
}

export function authOf(username: string): { username: string; password: string } {
  return { username, password: secretOf(username) }
}
