import { expect, test } from 'vitest'
import { isAny } from '../../src/stores/is-any.js'

const never = () => new Promise<boolean>(() => undefined)
const failing = () => Promise.reject(new Error('no answer'))
const answering = (answer: boolean) => Promise.resolve(answer)

test('one yes is enough, whatever became of the others', async () => {
  expect(await isAny([never(), failing(), answering(false), answering(true)])).toBe(true)
})

test('it is a no once all of them have said so or failed', async () => {
  expect(await isAny([failing(), answering(false)])).toBe(false)
  expect(await isAny([])).toBe(false)
})

test('it is open as long as one of them may be a yes', async () => {
  let say = (_: boolean) => {}
  const last = new Promise<boolean>((resolve) => {
    say = resolve
  })
  const any = isAny([answering(false), failing(), last])
  expect(await Promise.race([any, new Promise((resolve) => setImmediate(resolve))])).toBe(undefined)
  say(true)
  expect(await any).toBe(true)
})
