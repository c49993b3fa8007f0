import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly cert: string
  readonly key: string
}

/** Whom a certificate is for. */
export interface Subject {
  readonly commonName: string
  /** The names that a server is reached by. Default `localhost`. */
  readonly names?: readonly string[]
  /** The addresses that a server is reached at. Default 127.0.0.1 and ::1. */
  readonly addresses?: readonly string[]
  /** From when it is valid, for a year. Default now. */
  readonly from?: Date
  readonly until?: Date
}

const KEYS = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

/** A certificate authority of the tests' own. */
export class Authority {
  /** Its own certificate, in PEM. */
  readonly cert: string
  readonly #key: string

  private constructor({ cert, key }: Issued) {
    this.cert = cert
    this.#key = key
  }

  static async found(commonName: string): Promise<Authority> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
      ...KEYS,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    })
    return new Authority({ cert, key })
  }

  /** A certificate that a server can show to clients, and a client to servers. */
  async issue({
    commonName,
    names = ['localhost'],
    addresses = ['127.0.0.1', '::1'],
    from = new Date(),
    until,
  }: Subject): Promise<Issued> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
      ...KEYS,
      notBeforeDate: from,
      ...(until && { notAfterDate: until }),
      ca: { cert: this.cert, key: this.#key },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            ...names.map((value) => ({ type: 2 as const, value })),
            ...addresses.map((ip) => ({ type: 7 as const, ip })),
          ],
        },
      ],
    })
    return { cert, key }
  }
}

/** PEM texts as files, which go when `end` is called. */
export function writeFiles<Name extends string>(
  texts: Readonly<Record<Name, string>>,
): { readonly paths: readonly string[]; pathOf(name: Name): string; end(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'locked-tls-'))
  for (const [name, text] of Object.entries<string>(texts)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  return {
    paths: Object.keys(texts).map((name) => join(folder, name)),
    pathOf: (name) => join(folder, name),
    end: () => rmSync(folder, { recursive: true, force: true }),
  }
}
