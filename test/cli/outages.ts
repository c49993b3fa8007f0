import { expect } from 'vitest'

const SAID = /cannot be reached|can be reached again/g

/**
 * Asserts that the command has said of every outage of etcd that it began and, if it did, that it
 * ended, each once. One more than the test has made is no fault: a machine that is busy may not
 * answer in time.
 */
export function expectOutagesSaidOnce(output: string): void {
  const said = output.match(SAID) ?? []
  expect(said.length).toBeGreaterThan(0)
  expect(said).toEqual(
    said.map((_, index) => (index % 2 === 0 ? 'cannot be reached' : 'can be reached again')),
  )
}
