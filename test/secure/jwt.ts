import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Keys that etcd signs tokens with, as files, which go when `end` is called. */
export function jwtKeys(): {
  readonly paths: readonly string[]
  /** What makes etcd give out tokens that count for so long, such as `1m`. */
  argOf(ttl: string): string
  end(): void
} {
  const folder = mkdtempSync(join(tmpdir(), 'locked-jwt-'))
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const [pub, key] = [join(folder, 'public.pem'), join(folder, 'private.pem')]
  writeFileSync(pub, publicKey)
  writeFileSync(key, privateKey)
  return {
    paths: [pub, key],
    argOf: (ttl) => `--auth-token=jwt,pub-key=${pub},priv-key=${key},sign-method=RS256,ttl=${ttl}`,
    end: () => rmSync(folder, { recursive: true }),
  }
}
