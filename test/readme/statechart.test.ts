import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { electionMachine } from '../../machines/election.js'
import { withDiagram } from '../../scripts/mermaid.mjs'

test('the diagram in docs/correctness.md is the machine’s (if not: npm run diagram)', async () => {
  const page = await readFile(new URL('../../docs/correctness.md', import.meta.url), 'utf8')
  expect(withDiagram(page, electionMachine)).toBe(page)
})

test('every state and every transition has a description', () => {
  const missing: string[] = []
  const look = (name: string, state: object) => {
    if (!('description' in state)) missing.push(name)
    for (const [key, part] of Object.entries(state)) {
      if (key === 'states') {
        for (const [child, config] of Object.entries(part)) look(`${name}.${child}`, Object(config))
      } else if (key === 'on' || key === 'after') {
        for (const [event, config] of Object.entries(part)) {
          for (const one of [config].flat()) {
            if (!('description' in Object(one))) missing.push(`${name} on ${event}`)
          }
        }
      } else if (key === 'always') {
        for (const one of [part].flat()) {
          if (!('description' in one)) missing.push(`${name} always`)
        }
      }
    }
  }
  look('election', electionMachine.config)
  expect(missing).toEqual([])
})
