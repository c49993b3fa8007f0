import { once } from 'node:events'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../src/clock.js'
import { locked, type Meter } from '../src/index.js'
import { MemoryStore } from '../src/stores/memory.js'
import { VirtualClock } from '../src/testing/virtual-clock.js'
import { patiently } from './patience.js'

test('tells who leads, how often nodes were elected, and how long that took', async () => {
  const { meter, read } = measure()
  const { clock } = shiftable()
  const locker = locked('memory:telemetry leads', { meter, clock })
  const [a, b] = [locker('/path', { id: 'a', value: 1 }), locker('/path', { id: 'b', value: 2 })]
  await a.start()
  await b.start()

  const both = await read()
  expect(both['locked.node.leader']).toEqual([of('a', 1), of('b', 0)])
  expect(both['locked.elections']).toEqual([of('a', 1)])
  expect(both['locked.election.duration']).toEqual([of('a', counted(1))])
  expect(both['locked.session.validity']).toEqual([of('a', 9), of('b', 9)])
  expect(both['locked.vacancy.duration']).toBeUndefined()

  const selected = once(b, 'select')
  await a.stop()
  await selected
  const one = await read()
  expect(one['locked.node.leader']).toEqual([of('a', 0), of('b', 1)])
  expect(one['locked.elections']).toEqual([of('a', 1), of('b', 1)])
  // It was handed over to b, which need not campaign for it.
  expect(one['locked.election.duration']).toEqual([of('a', counted(1))])
  expect(one['locked.vacancy.duration']).toBeUndefined()

  await locker.close()
  const none = await read()
  expect(none['locked.node.leader']).toEqual([of('a', 0), of('b', 0)])
  expect(none['locked.session.validity']).toEqual([of('a', 0), of('b', 0)])
})

test('measures vacancies and elections in seconds', async () => {
  const { meter, read } = measure()
  const time = shiftable()
  const store = new MemoryStore()
  const locker = locked(store, { meter, clock: time.clock })
  const [a, b] = [locker('/path', { id: 'a', value: 1 }), locker('/path', { id: 'b', value: 2 })]
  onTestFinished(() => locker.close())
  await a.start()
  await b.start()
  b.actor.on('vacant', () => queueMicrotask(() => time.shift(250)))
  const selected = Promise.race([a, b].map((node) => once(node, 'select')))
  store.delete('/path')
  await selected
  const told = await read()
  for (const name of ['locked.vacancy.duration', 'locked.election.duration']) {
    expect(told[name]?.map(sumOf).at(-1)).toBe(0.25)
  }
})

test('leaves nothing with the meter once nodes have been gone for a while', async () => {
  const { meter, callbacks } = countCallbacks(measure().meter)
  const time = shiftable()
  const locker = locked('memory:telemetry callbacks', { meter, clock: time.clock })
  const node = locker('/path', { value: 1 })
  expect(callbacks()).toHaveLength(0)
  await node.start()
  expect(callbacks()).toHaveLength(2)
  await node.stop()
  const collect = () => {
    for (const callback of callbacks()) callback({ observe() {} })
  }
  collect()
  expect(callbacks()).toHaveLength(2)
  time.shift(600_001)
  collect()
  expect(callbacks()).toHaveLength(0)
  await node.start()
  expect(callbacks()).toHaveLength(2)
  await node.stop()
})

test('counts a renewal once, however many nodes share the session', async () => {
  const { meter, read } = measure()
  const clock = new VirtualClock()
  const locker = locked(new MemoryStore(clock), { meter, clock })
  onTestFinished(() => locker.close())
  const [a, b] = [locker('/a', { value: 1, ttl: 1 }), locker('/b', { value: 2, ttl: 1 })]
  await Promise.all([a.start(), b.start()])
  await clock.advance(1_000)
  const told = await read()
  const attributes = { 'locked.session.ttl': 1 }
  expect(told['locked.session.renewals']).toEqual([{ attributes, value: 2 }])
  expect(told['locked.session.renewal.duration']).toEqual([{ attributes, value: counted(2) }])
})

test('counts failures by what they were', async () => {
  const { meter, read } = measure()
  const lockers = [locked('memory:telemetry failures', { meter }), locked('127.0.0.1:1', { meter })]
  onTestFinished(async () => {
    await Promise.all(lockers.map((locker) => locker.close()))
  })
  const [working, lost] = lockers.map((locker, index) =>
    locker('/path', { id: `${index}`, value: index }),
  )
  working?.on('error', () => {})
  working?.lead(() => {
    throw new Error('broken')
  })
  lost?.start().catch(() => {})
  const told = lost && once(lost, 'unreachable')
  await working?.start()
  await told
  await patiently(async () =>
    expect((await read())['locked.failures']).toEqual([
      withType('0', 'WorkError'),
      withType('1', 'UnreachableError'),
    ]),
  )
})

test('takes the meters of OpenTelemetry as they are, and nothing else', async () => {
  const global: Meter = metrics.getMeter('locked')
  const node = locked('memory:telemetry global', { meter: global })('/path', { value: 1 })
  await node.start()
  await node.stop()
  for (const meter of [null, {}, 'meter', { createCounter() {} }]) {
    // @ts-expect-error it is no meter
    expect(() => locked('memory:', { meter })).toThrow(/^meter: expected an OpenTelemetry Meter/)
  }
})

interface Point {
  readonly attributes: unknown
  readonly value: unknown
}

/** A meter, and what has been told to it so far, by name. */
function measure(): { meter: Meter; read(): Promise<Readonly<Record<string, readonly Point[]>>> } {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  return {
    meter: provider.getMeter('locked'),
    async read() {
      exporter.reset()
      await reader.forceFlush()
      const told = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((scope) => scope.metrics)
        .map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ attributes, value }) => ({ attributes, value })),
        ])
      return Object.fromEntries(told)
    },
  }
}

/** A clock that stands still until it is put forward. Its timers run by the system’s. */
function shiftable() {
  let shiftedMs = 0
  return {
    clock: { ...systemClock, now: () => shiftedMs, wallNow: () => shiftedMs },
    shift(ms: number): void {
      shiftedMs += ms
    },
  }
}

type Callback = Parameters<ReturnType<Meter['createObservableGauge']>['addCallback']>[0]

/** The same meter, and the callbacks that are registered with it now. */
function countCallbacks(meter: Meter): { meter: Meter; callbacks(): readonly Callback[] } {
  const registered = new Set<Callback>()
  return {
    meter: {
      createCounter: (...given) => meter.createCounter(...given),
      createHistogram: (...given) => meter.createHistogram(...given),
      createObservableGauge: () => ({
        addCallback: (callback) => registered.add(callback),
        removeCallback: (callback) => registered.delete(callback),
      }),
    },
    callbacks: () => [...registered],
  }
}

function of(id: string, value: unknown): Point {
  return { attributes: { 'locked.path': '/path', 'locked.node.id': id }, value }
}

function withType(id: string, type: string): Point {
  return {
    attributes: { 'locked.path': '/path', 'locked.node.id': id, 'error.type': type },
    value: expect.any(Number),
  }
}

function counted(count: number): unknown {
  return expect.objectContaining({ count })
}

function sumOf({ value }: Point): unknown {
  return typeof value === 'object' && value !== null && 'sum' in value ? value.sum : undefined
}
