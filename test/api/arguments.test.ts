import { describe, expect, test } from 'vitest'
import { createActor } from 'xstate'
import locked, { type Locker } from '../../src/index.js'
import { MemoryStore } from '../../src/stores/memory.js'

/** Calls as JavaScript can make them, without types. */
type AnyCall = (...args: readonly unknown[]) => unknown

interface BadCall {
  /** What is called with these arguments. */
  readonly call: AnyCall
  readonly args: readonly unknown[]
  readonly error: typeof TypeError | typeof RangeError
  /** The option that is wrong. */
  readonly names: string
  /** What was given. */
  readonly given: string
  /** What is allowed. */
  readonly allowed: string
}

const makeLocker = locked as unknown as AnyCall
const makeNode = ((...args: Parameters<AnyCall>) =>
  (locked('memory:') as unknown as AnyCall)(...args)) satisfies AnyCall

const cycle: Record<string, unknown> = { name: 'cycle' }
cycle.itself = cycle
const deepCycle: unknown[] = [1]
deepCycle.push({ a: deepCycle })

class Point {
  readonly x = 1
}

const withOption = (option: string, given: unknown) => [{ path: '/p', value: 1, [option]: given }]

const bad: Record<string, readonly BadCall[]> = {
  path: [
    ...[undefined, null, 5, true, {}, []].map((given) => ({
      call: makeNode,
      args: [{ path: given, value: 1 }],
      error: TypeError,
      names: 'path',
      given: `${describeIn(given)}`,
      allowed: 'must be a string',
    })),
    {
      call: makeNode,
      args: [{ value: 1 }],
      error: TypeError,
      names: 'path',
      given: 'undefined',
      allowed: 'must be a string',
    },
    ...[[{ path: '', value: 1 }], ['', { value: 1 }]].map((args) => ({
      call: makeNode,
      args,
      error: RangeError,
      names: 'path',
      given: 'empty',
      allowed: 'such as /master',
    })),
  ],
  value: [
    ...[
      [{ path: '/p' }],
      ['/p'],
      ['/p', {}],
      ['/p', undefined],
      withOption('value', undefined),
    ].map((args) => ({
      call: makeNode,
      args,
      error: TypeError,
      names: 'value',
      given: 'undefined',
      allowed: 'any JSON value',
    })),
    ...(
      [
        [() => 1, 'a function'],
        [10n, 'the BigInt 10'],
        [Symbol('s'), 'Symbol(s)'],
        [Number.NaN, 'NaN'],
        [Number.POSITIVE_INFINITY, 'Infinity'],
        [cycle, 'it contains itself'],
        [deepCycle, 'it contains itself'],
        [{ a: [1, undefined] }, 'undefined is not JSON'],
        [{ a: { b: 10n } }, 'at a: at b: the BigInt 10'],
        [[() => 1], 'a function is not JSON'],
        [new Date(0), 'not a plain one'],
        [new Map(), 'not a plain one'],
        [new Point(), 'not a plain one'],
        [[Buffer.from('x')], 'not a plain one'],
      ] as const
    ).map(([given, text]) => ({
      call: makeNode,
      args: withOption('value', given),
      error: TypeError,
      names: 'value',
      given: text,
      allowed: 'a JSON value',
    })),
  ],
  ttl: [
    ...['10', null, true, 10n, {}].map((given) => ({
      call: makeNode,
      args: withOption('ttl', given),
      error: TypeError,
      names: 'ttl',
      given: describeIn(given),
      allowed: 'a number of seconds above 0',
    })),
    ...[0, -1, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((given) => ({
      call: makeNode,
      args: withOption('ttl', given),
      error: RangeError,
      names: 'ttl',
      given: `${given}`,
      allowed: 'a finite number of seconds above 0',
    })),
  ],
  id: [
    ...[5, null, true, {}, ['a']].map((given) => ({
      call: makeNode,
      args: withOption('id', given),
      error: TypeError,
      names: 'id',
      given: describeIn(given),
      allowed: 'a string that is not empty',
    })),
    {
      call: makeNode,
      args: withOption('id', ''),
      error: RangeError,
      names: 'id',
      given: '""',
      allowed: 'a string that is not empty',
    },
  ],
  'the options of a node': [
    ...['TTL', 'Value', 'timeout', 'hosts'].map((option) => ({
      call: makeNode,
      args: withOption(option, 1),
      error: TypeError,
      names: 'locker',
      given: `unknown option ${option}`,
      allowed: 'path, id, value, ttl',
    })),
    ...[undefined, null, 5, true, () => 1].map((given) => ({
      call: makeNode,
      args: [given],
      error: TypeError,
      names: 'locker',
      given: describeIn(given),
      allowed: '(path, options) or ({ path, … })',
    })),
    ...[5, 'x', true].map((given) => ({
      call: makeNode,
      args: ['/p', given],
      error: TypeError,
      names: 'locker',
      given: describeIn(given),
      allowed: '(path, options) or ({ path, … })',
    })),
  ],
  hosts: [
    ...[undefined, null, 5, true, {}, { hosts: 'a:1' }, new Map(), () => 1].map((given) => ({
      call: makeLocker,
      args: [given],
      error: TypeError,
      names: 'hosts',
      given: describeIn(given),
      allowed: "an Etcd3 client, an etcdjs object, 'memory:' or a Store",
    })),
    {
      call: makeLocker,
      args: [],
      error: TypeError,
      names: 'hosts',
      given: 'undefined',
      allowed: "'127.0.0.1:2379'",
    },
    ...[[5], ['a:1', null], [{}]].map((given) => ({
      call: makeLocker,
      args: [given],
      error: TypeError,
      names: 'hosts',
      given: describeIn(given.at(-1)),
      allowed: 'a list of strings',
    })),
    ...(
      [
        ['', '""'],
        [[], 'the list is empty'],
        [',', '""'],
        ['a b', '"a b"'],
        ['a:b', '"a:b"'],
        ['a:1,b:c', '"b:c"'],
        ['a:0', '"a:0"'],
        ['a:70000', '"a:70000"'],
        ['ftp://a:1', '"ftp://a:1"'],
        ['memory :', '"memory :"'],
      ] as const
    ).map(([given, text]) => ({
      call: makeLocker,
      args: [given],
      error: RangeError,
      names: 'hosts',
      given: text,
      allowed: '127.0.0.1:2379',
    })),
  ],
  'the options of a locker': [
    ...['ttl', 'hosts', 'namespace', 'Credentials'].map((option) => ({
      call: makeLocker,
      args: ['memory:', { [option]: 1 }],
      error: TypeError,
      names: 'locked',
      given: `unknown option ${option}`,
      allowed: 'credentials, auth, grpcOptions',
    })),
    ...[null, 5, 'x', () => 1].map((given) => ({
      call: makeLocker,
      args: ['memory:', given],
      error: TypeError,
      names: 'locked',
      given: describeIn(given),
      allowed: 'options must be an object',
    })),
  ],
}

describe.each(Object.entries(bad))('bad input: %s', (_option, calls) => {
  test.each(calls.map((one) => [one.given, one] as const))(
    '%s throws at once, and says what is wrong',
    (_given, { call, args, error, names, given, allowed }) => {
      const thrown = thrownBy(() => call(...args))
      expect(thrown).toBeInstanceOf(error)
      expect(thrown.message.startsWith(`${names}:`), thrown.message).toBe(true)
      expect(thrown.message).toContain(given)
      expect(thrown.message).toContain(allowed)
    },
  )
})

describe('bad input', () => {
  test('to propose() and lead() throws at once, and changes nothing', async () => {
    const store = new MemoryStore()
    const node = locked(store)({ path: '/p', value: 10 })
    await node.start()
    const propose = node.propose.bind(node) as unknown as AnyCall
    const lead = node.lead.bind(node) as unknown as AnyCall
    for (const given of [undefined, () => 1, 10n, cycle, Number.NaN]) {
      expect(thrownBy(() => propose(given))).toBeInstanceOf(TypeError)
      expect(() => propose(given)).toThrow(/^value: must be a JSON value, was given /)
    }
    for (const given of [undefined, null, 'work', {}]) {
      expect(thrownBy(() => lead(given))).toBeInstanceOf(TypeError)
      expect(() => lead(given)).toThrow(/^lead: expected a function, was given /)
    }
    expect(await node.value()).toBe(10)
    await node.stop()
  })

  test('leaves nothing behind', () => {
    const before = process.getActiveResourcesInfo().length
    for (const { call, args } of Object.values(bad).flat()) thrownBy(() => call(...args))
    expect(process.getActiveResourcesInfo()).toHaveLength(before)
  })
})

describe('good input', () => {
  test('of every kind is taken', () => {
    const hosts = [
      'a:1',
      'a:1,b:2',
      ['a:1', 'b:2'],
      'https://a',
      'memory:',
      'memory:x',
      new MemoryStore(),
    ]
    for (const given of hosts) expect(locked(given)).toBeTypeOf('function')
    const locker = locked('memory:', { credentials: { rootCertificate: Buffer.from('x') } })
    locker('/p', { value: null, ttl: 0.5, id: ' ' })
    locker({
      path: ' ',
      value: Object.assign(Object.create(null), { x: 1 }),
      id: undefined as never,
    })
    const shared = { x: 1 }
    locker('/p', { value: [shared, shared] })
  })
})

function thrownBy(call: () => unknown): Error {
  try {
    call()
  } catch (thrown) {
    if (thrown instanceof Error) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

/** How a message shows what was given. */
function describeIn(given: unknown): string {
  if (typeof given === 'string') return JSON.stringify(given)
  if (typeof given === 'function') return 'a function'
  if (typeof given === 'bigint') return `the BigInt ${given}`
  if (Array.isArray(given)) return 'an array'
  if (typeof given === 'object' && given !== null) return 'an object'
  return String(given)
}

describe('a path that is not valid Unicode', () => {
  const lone =
    /^path: must be valid Unicode, was given "\/a\\ud800", in which half of a surrogate pair stands alone$/

  test.each<[string, (locker: Locker) => unknown]>([
    ['a node', (locker) => locker('/a\ud800', { value: 1 })],
    ['a node of an object', (locker) => locker({ path: '/a\ud800', value: 1 })],
    ['an observer', (locker) => locker.observe('/a\ud800')],
    ['an observer of a prefix', (locker) => locker.observe('/a\ud800', { prefix: true })],
  ])('is refused by %s', (_, use) => {
    expect(() => use(locked('memory:'))).toThrow(
      expect.objectContaining({ name: 'RangeError', message: expect.stringMatching(lone) }),
    )
  })

  test('is refused by candidates', async () => {
    await expect(locked('memory:').candidates('/a\ud800')).rejects.toThrow(lone)
  })

  test('ends an actor on the machine', async () => {
    const actor = createActor(locked('memory:').machine, {
      input: { path: '/a\ud800', id: 'a', instance: 'a', value: 1, ttl: 10 },
    })
    const ended = new Promise((_resolve, reject) => actor.subscribe({ error: reject }))
    actor.start()
    actor.send({ type: 'start' })
    await expect(ended).rejects.toThrow(lone)
  })
})

test('a ttl that etcd never grants is refused at once', () => {
  expect(() => locked('memory:')('/a', { value: 1, ttl: 9_000_000_001 })).toThrow(
    /^ttl: must be at most 9000000000 seconds, which is the most that etcd grants; was given 9000000001$/,
  )
  expect(() => locked('memory:')('/a', { value: 1, ttl: 9_000_000_000 })).not.toThrow()
})
