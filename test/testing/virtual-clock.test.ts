import { describe, expect, test } from 'vitest'
import { sleep } from '../../src/clock.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

describe('VirtualClock', () => {
  test('runs timers in the order they fall due, each at its own time', async () => {
    const clock = new VirtualClock()
    const ran: [string, number][] = []
    const note = (name: string) => () => ran.push([name, clock.now()])
    clock.setTimeout(note('late'), 30)
    clock.setTimeout(note('early'), 10)
    clock.setTimeout(note('early too'), 10)
    clock.setTimeout(note('never'), 31)
    await clock.advance(30)
    expect(ran).toEqual([
      ['early', 10],
      ['early too', 10],
      ['late', 30],
    ])
    expect(clock.now()).toBe(30)
    expect(clock.timers).toBe(1)
  })

  test('runs a timer that a timer set, if it falls due in time', async () => {
    const clock = new VirtualClock()
    const ran: number[] = []
    const again = () => {
      ran.push(clock.now())
      clock.setTimeout(again, 10)
    }
    clock.setTimeout(again, 10)
    await clock.advance(35)
    expect(ran).toEqual([10, 20, 30])
  })

  test('lets long promise chains settle before the next timer', async () => {
    const clock = new VirtualClock()
    const order: string[] = []
    clock.setTimeout(async () => {
      for (let count = 0; count < 1_000; count += 1) await null
      order.push(`chain at ${clock.now()}`)
      await sleep(clock, 5, new AbortController().signal)
      order.push(`slept until ${clock.now()}`)
    }, 10)
    clock.setTimeout(() => order.push(`timer at ${clock.now()}`), 11)
    await clock.advance(20)
    expect(order).toEqual(['chain at 10', 'timer at 11', 'slept until 15'])
  })

  test('does not run a timer that was cleared', async () => {
    const clock = new VirtualClock()
    const timer = clock.setTimeout(() => expect.unreachable(), 10)
    clock.clearTimeout(timer)
    clock.clearTimeout(undefined)
    await clock.advance(20)
    expect(clock.timers).toBe(0)
  })

  test('cannot be held up by a timer without delay that sets itself anew', async () => {
    const clock = new VirtualClock()
    let count = 0
    const again = () => {
      count += 1
      clock.setTimeout(again, 0)
    }
    again()
    await clock.advance(10)
    expect(count).toBe(11)
  })

  test('moves both clocks on advance, and the wall alone on a jump or a suspend', async () => {
    const clock = new VirtualClock(1_000_000)
    await clock.advance(10)
    expect([clock.now(), clock.wallNow()]).toEqual([10, 1_000_010])
    clock.jumpWall(-500)
    expect([clock.now(), clock.wallNow()]).toEqual([10, 999_510])
    clock.suspend(2_000)
    expect([clock.now(), clock.wallNow()]).toEqual([10, 1_001_510])
  })

  test('runs overlapping calls one after the other', async () => {
    const clock = new VirtualClock()
    const ran: number[] = []
    for (const delayMs of [5, 15]) clock.setTimeout(() => ran.push(clock.now()), delayMs)
    await Promise.all([clock.advance(10), clock.advance(10)])
    expect(ran).toEqual([5, 15])
    expect(clock.now()).toBe(20)
  })

  test('rejects with what a timer throws, and goes on after it', async () => {
    const clock = new VirtualClock()
    clock.setTimeout(() => {
      throw new Error('thrown')
    }, 5)
    await expect(clock.advance(10)).rejects.toThrow('thrown')
    expect(clock.now()).toBe(5)
    await clock.advance(10)
    expect(clock.now()).toBe(15)
  })

  test('cannot be turned back', () => {
    const clock = new VirtualClock()
    expect(() => clock.advance(-1)).toThrow('advance: ms must be')
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
  })
})
