import { contained } from './contained.js'
import type { Meter } from './meter.js'

/** A meter whose faults cost the election nothing, nor any other measurement. */
export function containedMeter(meter: Meter): Meter {
  return {
    createCounter(name, options) {
      const counter = contained('meter', () => meter.createCounter(name, options))
      return {
        add: (value, attributes) => contained('meter', () => counter?.add(value, attributes)),
      }
    },
    createHistogram(name, options) {
      const histogram = contained('meter', () => meter.createHistogram(name, options))
      return {
        record: (value, attributes) =>
          contained('meter', () => histogram?.record(value, attributes)),
      }
    },
    createObservableGauge(name, options) {
      const gauge = contained('meter', () => meter.createObservableGauge(name, options))
      return {
        addCallback: (callback) => contained('meter', () => gauge?.addCallback(callback)),
        removeCallback: (callback) => contained('meter', () => gauge?.removeCallback(callback)),
      }
    },
  }
}
