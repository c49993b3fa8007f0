import { once } from 'node:events'
import { expect } from 'vitest'
import type { Observed } from './observed.js'

let proposals = 0

/** What the one proposes is told by the other. */
export async function expectToServe(leader: Observed, other: Observed): Promise<void> {
  proposals += 1
  const value = `proposal ${proposals}`
  const seen = new Promise<void>((resolve) => {
    other.node.on('change', function listen(told) {
      if (told !== value) return
      other.node.off('change', listen)
      resolve()
    })
  })
  leader.node.propose(value)
  await seen
}

/** Resolves with what is kept of the next `unreachable`: see `Observed`. */
export async function nextUnreachable({ node, unreachable }: Observed): Promise<Error> {
  const known = unreachable.length
  let told: Error | undefined
  while (told === undefined) {
    await once(node, 'unreachable')
    told = unreachable[known]
  }
  return told
}

export function leadersOf(...all: readonly Observed[]): readonly Observed[] {
  return all.filter((one) => one.node.isLeader)
}

export function expectNoErrors(...all: readonly Observed[]): void {
  for (const one of all) expect(one.errors).toEqual([])
}
