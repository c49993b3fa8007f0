import { beforeAll, describe, expect, test } from 'vitest'
import { type LockerOptions, locked } from '../../src/index.js'
import { Authority, type Issued } from './authority.js'
import { secretOf } from './secrets.js'

let ca: Authority
let ours: Issued
let another: Issued

beforeAll(async () => {
  ca = await Authority.found('ours')
  ours = await ca.issue({ commonName: 'ours' })
  another = await ca.issue({ commonName: 'another' })
})

const buffer = (text: string) => Buffer.from(text)

describe('options that make it work are taken:', () => {
  test.each<[string, () => LockerOptions]>([
    ['a CA', () => ({ credentials: { rootCertificate: buffer(ca.cert) } })],
    [
      'a certificate, where the system’s CAs are trusted',
      () => ({ credentials: { privateKey: buffer(ours.key), certChain: buffer(ours.cert) } }),
    ],
    ['nothing in particular', () => ({ credentials: {} })],
    ['a user', () => ({ auth: { username: 'me', password: 'secret' } })],
  ])('%s', (_what, options) => {
    expect(typeof locked('https://127.0.0.1:1', options())).toBe('function')
  })
})

describe('what cannot work is told at once, without the secret:', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['no object', () => ({ credentials: 'secret' }), /^credentials: expected .*a string/],
    ['a Buffer', () => ({ credentials: buffer('secret') }), /^credentials: .*given a Buffer/],
    ['an unknown part', () => ({ credentials: { ca: 1 } }), /^credentials: unknown part ca/],
    [
      'a text for a Buffer',
      () => ({ credentials: { rootCertificate: ca.cert } }),
      /^credentials: rootCertificate must be a Buffer.*given a string$/,
    ],
    [
      'a key without its certificate',
      () => ({ credentials: { privateKey: buffer(ours.key) } }),
      /^credentials: certChain is missing/,
    ],
    [
      'a certificate without its key',
      () => ({ credentials: { certChain: buffer(ours.cert) } }),
      /^credentials: privateKey is missing/,
    ],
    [
      'a certificate that is none',
      () => ({ credentials: { certChain: buffer('secret'), privateKey: buffer(ours.key) } }),
      /^credentials: cannot use certChain/,
    ],
    [
      'a key that is none',
      () => ({ credentials: { certChain: buffer(ours.cert), privateKey: buffer('secret') } }),
      /^credentials: cannot use privateKey/,
    ],
    [
      'the key of another certificate',
      () => ({ credentials: { certChain: buffer(ours.cert), privateKey: buffer(another.key) } }),
      /^credentials: cannot use privateKey.* mismatch/,
    ],
    ['a login that is no object', () => ({ auth: 'me:secret' }), /^auth: expected .*a string/],
    ['no password', () => ({ auth: { username: 'me' } }), /^auth: password must be a string/],
    [
      'a number as password',
      () => ({ auth: { username: 'me', password: 271828 } }),
      /^auth: password must be a string, was given a number$/,
    ],
    ['no user', () => ({ auth: { username: '', password: 'secret' } }), /^auth: username must not/],
  ])('%s', (_what, options, says) => {
    // @ts-expect-error it may be anything
    const make = () => locked('https://127.0.0.1:1', options())
    expect(make).toThrow(says)
    for (const secret of ['secret', '271828', secretOf(another.key), secretOf(ca.cert)]) {
      expect(make).not.toThrow(secret)
    }
  })
})
