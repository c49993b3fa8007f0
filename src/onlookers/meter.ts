import { describe } from '../arguments.js'

export interface Attributes {
  readonly [name: string]: string | number
}

interface Described {
  readonly description: string
  readonly unit: string
}

export interface Counter {
  add(value: number, attributes?: Attributes): void
}

export interface Histogram {
  record(value: number, attributes?: Attributes): void
}

export interface Observation {
  observe(value: number, attributes?: Attributes): void
}

export interface ObservableGauge {
  addCallback(callback: (observation: Observation) => void): void
  removeCallback(callback: (observation: Observation) => void): void
}

/** What is needed of an OpenTelemetry `Meter`, whichever version of `@opentelemetry/api` it is from. */
export interface Meter {
  /** What only grows. */
  createCounter(name: string, options: Described): Counter
  /** How long something took, each time. */
  createHistogram(name: string, options: Described): Histogram
  /** What is asked for when it is collected. */
  createObservableGauge(name: string, options: Described): ObservableGauge
}

/** @throws TypeError unless `given` is a meter. */
export function assertMeter(given: unknown): asserts given is Meter {
  const calls = ['createCounter', 'createHistogram', 'createObservableGauge']
  if (
    typeof given !== 'object' ||
    given === null ||
    !calls.every((call) => typeof Reflect.get(given, call) === 'function')
  ) {
    throw new TypeError(`meter: expected an OpenTelemetry Meter, was given ${describe(given)}`)
  }
}
