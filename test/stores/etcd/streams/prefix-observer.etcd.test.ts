import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { memberEndpoint } from '../../../../src/stores/etcd/connection/endpoint.js'
import { PrefixObserver } from '../../../../src/stores/etcd/streams/prefix-observer.js'
import type { ObserveListener, Sighting } from '../../../../src/stores/store.js'
import { type Etcd, startEtcd } from '../../../etcd/index.js'
import { type Relay, startRelay } from '../../../etcd/relay.js'
import { PATIENCE_MS } from '../../../patience.js'
import { authOf, ROOT, withUsers } from '../../../secure/users.js'

/** More than fit on one page of a read. */
const MANY = 1_201

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  // Its history is compacted.
  etcd = await startEtcd({ own: true })
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

/** What a watch has told, and what it makes of the paths. */
class Picture extends EventEmitter implements ObserveListener {
  readonly texts = new Map<string, string>()
  readonly told: string[] = []
  #refusal: Error | null = null

  get refusal(): Error | null {
    return this.#refusal
  }

  seen(path: string, { entry }: Sighting): void {
    if (entry === null) this.texts.delete(path)
    else this.texts.set(path, entry.text)
    this.#tell(`${path}=${entry?.text ?? ''}`)
  }

  known(): void {
    this.#tell('known')
  }

  retrying(_error: Error, attempt: number): void {
    this.#tell(`retrying ${attempt}`)
  }

  recovered(): void {
    this.#tell('recovered')
  }

  refused(error: Error): void {
    this.#refusal = error
    this.#tell('refused')
  }

  /** Resolves once it has been told this, now or before. */
  async until(what: string): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    try {
      while (!this.told.includes(what)) await once(this, 'told', { signal })
    } catch {
      throw new Error(`${what} was awaited in vain; the last told: ${this.told.slice(-20)}`)
    }
  }

  #tell(what: string): void {
    this.told.push(what)
    this.emit('told')
  }
}

/** With what stands beside paths. */
class WholePicture extends Picture {
  beside(at: string, sighting: Sighting): void {
    this.seen(at, sighting)
  }
}

function watch(
  prefix: string,
  endpoint = etcd.endpoint,
  auth?: { username: string; password: string },
  picture = new Picture(),
): Picture {
  const host = { secure: false, address: endpoint }
  const prefixWatch = new PrefixObserver(
    [memberEndpoint(host, auth ? { auth } : {})],
    prefix,
    picture,
  )
  onTestFinished(() => prefixWatch.close())
  return picture
}

async function relay(): Promise<Relay> {
  const started = await startRelay(etcd.endpoint)
  onTestFinished(() => started.stop())
  return started
}

const put = (path: string, text: string | Buffer) => client.put(path).value(text)

describe('a prefix', () => {
  test('is told as it stands, page by page, then each change, and nothing of others', async () => {
    const prefix = `/${randomUUID()}/`
    for (let from = 0; from < MANY; from += 100) {
      const some = Array.from({ length: Math.min(100, MANY - from) }, (_, at) => from + at)
      await Promise.all(some.map((at) => put(`${prefix}${at}`, `${at}`)))
    }
    await put(prefix.slice(0, -1), 'before it')
    await put(`${prefix.slice(0, -1)}0`, 'after it')
    const picture = watch(prefix)
    await picture.until('known')
    expect(picture.texts.size).toBe(MANY)
    expect(picture.told).toHaveLength(MANY + 1)
    await put(`${prefix}new`, 'one')
    await put(`${prefix}0`, 'two')
    await client.delete().key(`${prefix}1`)
    await put(`${prefix}last`, 'three')
    await picture.until(`${prefix}last=three`)
    expect(picture.told.slice(MANY + 1)).toEqual([
      `${prefix}new=one`,
      `${prefix}0=two`,
      `${prefix}1=`,
      `${prefix}last=three`,
    ])
  })

  test('that is empty has all paths', async () => {
    const path = randomUUID()
    await put(path, 'there')
    const picture = watch('')
    await picture.until('known')
    expect(picture.texts.get(path)).toBe('there')
    await put(`${path} too`, 'there')
    await picture.until(`${path} too=there`)
  })

  test('whose values are too large for one answer is told all the same', async () => {
    const prefix = `/${randomUUID()}/`
    const text = 'x'.repeat(1_000_000)
    for (let at = 0; at < 6; at += 1) await put(`${prefix}${at}`, text)
    const picture = watch(prefix)
    await picture.until('known')
    expect(picture.texts.size).toBe(6)
    expect(picture.told.filter((what) => what.startsWith('retrying'))).toEqual([])
  })
})

describe('what stands beside paths', () => {
  test('is told to whoever asks for it, also what was missed, and to nobody else', async () => {
    const prefix = `/${randomUUID()}/`
    const beside = (name: string) => `${prefix}path/.candidates/${name}`
    await put(`${prefix}path`, 'held')
    for (const name of ['stays', 'leaves', 'goes']) await put(beside(name), name)
    const network = await relay()
    const picture = watch(prefix, network.endpoint, undefined, new WholePicture())
    const other = watch(prefix)
    await picture.until('known')
    await client.delete().key(beside('goes'))
    await picture.until(`${beside('goes')}=`)
    expect(Object.fromEntries(picture.texts)).toEqual({
      [`${prefix}path`]: 'held',
      [beside('stays')]: 'stays',
      [beside('leaves')]: 'leaves',
    })
    await network.cut()
    await picture.until('retrying 1')
    await client.delete().key(beside('leaves'))
    const { header } = await put(beside('enters'), 'enters')
    await client.kv.compact({ revision: header.revision, physical: true })
    await network.heal()
    await picture.until('recovered')
    expect(Object.fromEntries(picture.texts)).toEqual({
      [`${prefix}path`]: 'held',
      [beside('stays')]: 'stays',
      [beside('enters')]: 'enters',
    })
    await put(`${prefix}last`, 'one')
    await other.until(`${prefix}last=one`)
    expect([...other.texts.keys()].sort()).toEqual([`${prefix}last`, `${prefix}path`])
  })
})

describe('what was missed is told', () => {
  test('after a connection that was cut', async () => {
    const { prefix, picture, network } = await watchThroughRelay()
    await network.cut()
    await picture.until('retrying 1')
    await change(prefix)
    await network.heal()
    await picture.until('recovered')
    expectChanged(prefix, picture)
  })

  test('after a connection that was frozen', async () => {
    const { prefix, picture, network } = await watchThroughRelay()
    network.freeze()
    await picture.until('retrying 1')
    await change(prefix)
    await network.heal()
    await picture.until('recovered')
    expectChanged(prefix, picture)
  })

  test('after its history was compacted, the outcome only', async () => {
    const { prefix, picture, network } = await watchThroughRelay()
    await network.cut()
    await picture.until('retrying 1')
    await change(prefix)
    const { header } = await put(`${prefix}again`, 'another')
    await client.kv.compact({ revision: header.revision, physical: true })
    await network.heal()
    await picture.until('recovered')
    expectChanged(prefix, picture)
    expect(picture.told).not.toContain(`${prefix}again=between`)
  })

  test('after its history was compacted to the very revision of a deletion', async () => {
    const { prefix, picture, network } = await watchThroughRelay()
    await network.cut()
    await picture.until('retrying 1')
    const { header } = await client.delete().key(`${prefix}gone`)
    await client.kv.compact({ revision: header.revision, physical: true })
    await network.heal()
    await picture.until('recovered')
    expect(picture.texts.has(`${prefix}gone`)).toBe(false)
  })

  async function watchThroughRelay() {
    const prefix = `/${randomUUID()}/`
    for (const name of ['stays', 'gone', 'changes', 'again']) await put(prefix + name, 'before')
    const network = await relay()
    const picture = watch(prefix, network.endpoint)
    await picture.until('known')
    await put(`${prefix}latest`, 'before')
    await picture.until(`${prefix}latest=before`)
    return { prefix, picture, network }
  }

  async function change(prefix: string): Promise<void> {
    await put(`${prefix}changes`, 'after')
    await client.delete().key(`${prefix}gone`)
    await client.delete().key(`${prefix}again`)
    await put(`${prefix}again`, 'between')
    await put(`${prefix}again`, 'another')
    await put(`${prefix}new`, 'after')
  }

  function expectChanged(prefix: string, { texts, told }: Picture): void {
    expect(Object.fromEntries(texts)).toEqual({
      [`${prefix}stays`]: 'before',
      [`${prefix}latest`]: 'before',
      [`${prefix}changes`]: 'after',
      [`${prefix}again`]: 'another',
      [`${prefix}new`]: 'after',
    })
    // Nothing twice: what stayed was told at the beginning.
    for (const what of [`${prefix}stays=before`, `${prefix}latest=before`, 'known', 'recovered']) {
      expect(told.filter((one) => one === what)).toHaveLength(1)
    }
  }
})

test('what is not permitted is tried again, and told once it is', async () => {
  await using own = await startEtcd({ own: true })
  const hosts = `http://${own.endpoint}`
  await withUsers(new Etcd3({ hosts }), { nobody: null, somebody: { prefix: '/' } })
  const root = new Etcd3({ hosts, auth: ROOT })
  onTestFinished(() => root.close())
  await root.put('/path').value('text')
  const picture = watch('/', own.endpoint, authOf('nobody'))
  await picture.until('retrying 2')
  expect(picture.told).not.toContain('known')
  await root.user('nobody').addRole('somebody')
  await picture.until('known')
  expect(picture.refusal).toBeNull()
  expect(picture.told.filter((what) => !what.startsWith('retrying'))).toEqual([
    '/path=text',
    'known',
  ])
})
