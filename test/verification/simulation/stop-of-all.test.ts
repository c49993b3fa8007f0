import { expect, test } from 'vitest'
import { StopOfAll } from '../../../verification/simulation/stop-of-all.js'

/** What is told of a stop of three nodes, of which two wait. */
function stopped(goesOn: boolean) {
  const told: string[] = []
  const stop = new StopOfAll(
    { at: 1_000, waiting: 2, goesOn },
    { fault: (what) => told.push(what), kept: () => told.push('kept') },
  )
  return { stop, told }
}

test.each([
  [false, 2],
  [true, 3],
])('a stop of all, of whom some start again (%s), may cause %s reigns', (goesOn, most) => {
  const { stop, told } = stopped(goesOn)
  for (let reigns = 0; reigns < most; reigns++) stop.began()
  expect(told).toEqual([])
  stop.began()
  expect(told).toEqual([`all stop, and there is ${most + 1} reigns where there may be ${most}`])
})

test('of all that stop nobody leads, and of those that start again one', () => {
  for (const goesOn of [false, true]) {
    const { stop, told } = stopped(goesOn)
    if (goesOn) stop.elected('a')
    expect(told).toEqual([])
    stop.elected('b')
    expect(told).toEqual(['all stop, and there is b elected to no purpose'])
  }
})

test('of all that have stopped nothing is left after a while', () => {
  const { stop, told } = stopped(false)
  stop.look(2_000, 1)
  expect(told).toEqual([])
  stop.look(5_000, 1)
  expect(told).toEqual(['all stop, and there is 1 keys left'])
})

test('a stop of all is kept once, and nothing is said of it after that', () => {
  const { stop, told } = stopped(true)
  stop.look(5_000, 1)
  expect(told).toEqual(['kept'])
  stop.look(6_000, 1)
  stop.elected('a')
  stop.elected('b')
  expect(told).toEqual(['kept'])
})
