import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { electionMachine } from '../../machines/election.js'
import { withDiagram } from '../../scripts/mermaid.mjs'

test('the README’s diagram is the machine’s (if not: npm run diagram)', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  expect(withDiagram(readme, electionMachine)).toBe(readme)
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
