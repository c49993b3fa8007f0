import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { Authority, writeFiles } from './authority.js'
import { runElect } from './run-elect.js'

let etcd: Etcd
let files: ReturnType<typeof writeFiles<'cert' | 'key' | 'ca'>>

beforeAll(async () => {
  const authority = await Authority.found('the system’s')
  files = writeFiles({ ...(await authority.issue({ commonName: 'etcd' })), ca: authority.cert })
  etcd = await startEtcd({
    own: true,
    scheme: 'https',
    files: files.paths,
    extraArgs: [`--cert-file=${files.pathOf('cert')}`, `--key-file=${files.pathOf('key')}`],
  })
})

afterAll(async () => {
  await etcd?.stop()
  files?.end()
})

test.each([
  { name: 'NODE_EXTRA_CA_CERTS', flags: [] },
  { name: 'SSL_CERT_FILE', flags: ['--use-openssl-ca'] },
  { name: 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', flags: [] },
])('trusts whom the system trusts: $name $flags', async ({ name, flags }) => {
  const { said } = await runElect({
    hosts: `https://${etcd.endpoint}`,
    env: { [name]: files.pathOf('ca') },
    flags,
  })
  expect(said).toMatchObject([{ event: 'started', state: 'leader' }, { event: 'stopped' }])
})

test('trusts nobody else', async () => {
  const { said } = await runElect({ hosts: `https://${etcd.endpoint}` })
  expect(said).toMatchObject([
    { event: 'error', name: 'RefusedError', message: expect.stringContaining('is not trusted') },
    { event: 'stopped' },
  ])
})
