import { Random } from '../random.js'
import type { Schedule } from './schedule.js'
import { type Outcome, type Parts, Simulation } from './simulation.js'

/**
 * Runs the real stack (node, services, statechart, memory store) through a schedule, then heals
 * everything, and judges what happened. The same schedule always has the same outcome.
 */
export function simulate(schedule: Schedule): Promise<Outcome> {
  return simulateWith({}, schedule)
}

/** The same with parts that are wrong, to see that it is noticed. */
export async function simulateWith(wrong: Partial<Parts>, schedule: Schedule): Promise<Outcome> {
  const { random } = Math
  // Backoffs have jitter; here it comes from the schedule, so that every run is repeatable.
  const jitter = new Random(schedule.seed)
  Math.random = () => jitter.next()
  try {
    return await new Simulation(schedule, wrong).run()
  } finally {
    Math.random = random
  }
}
