// Draws the statechart as a Mermaid diagram, from the machine itself.
// `node scripts/mermaid.mjs` puts it into docs/correctness.md, after `npm run build`.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const BEGIN = '<!-- statechart: written by `npm run diagram` -->'
const END = '<!-- end of statechart -->'

/** @param {import('xstate').AnyStateMachine} machine */
export function mermaidOf(machine) {
  const lines = ['stateDiagram-v2', `  [*] --> ${machine.config.initial}`]
  draw(machine.root, '  ', lines)
  for (const state of Object.values(machine.root.states)) drawTransitions(state, lines)
  return lines.join('\n')
}

/** Replaces the diagram in a text that has the two markers. */
export function withDiagram(text, machine) {
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)
  if (from === -1 || to === -1) throw new Error(`docs/correctness.md lacks ${BEGIN} or ${END}`)
  const diagram = `${BEGIN}\n\n\`\`\`mermaid\n${mermaidOf(machine)}\n\`\`\`\n\n`
  return text.slice(0, from) + diagram + text.slice(to)
}

function draw(parent, indent, lines) {
  for (const state of Object.values(parent.states)) {
    const isTop = parent.path.length === 0
    const isPlain = Object.keys(state.states).length === 0
    if (isTop && isPlain) continue
    const named = isTop ? state.key : `"${state.key}" as ${nameOf(state)}`
    lines.push(`${indent}state ${named}${isPlain ? '' : ' {'}`)
    if (isPlain) continue
    draw(state, `${indent}  `, lines)
    lines.push(`${indent}  [*] --> ${nameOf(state.initial.target[0])}`)
    lines.push(`${indent}}`)
  }
}

function drawTransitions(state, lines) {
  const arrows = new Map()
  for (const transition of [...state.transitions.values()].flat().concat(state.always ?? [])) {
    const { guard, target = [] } = transition
    for (const one of target) {
      const event = labelOf(transition)
      const label = guard === undefined ? event : `${event} [${guardOf(guard)}]`
      const to = nameOf(one)
      arrows.set(to, [...(arrows.get(to) ?? []), label])
    }
  }
  for (const [to, labels] of arrows) {
    lines.push(`  ${nameOf(state)} --> ${to}: ${[...new Set(labels)].join(', ')}`)
  }
  for (const child of Object.values(state.states)) drawTransitions(child, lines)
}

function labelOf({ eventType }) {
  if (eventType === '') return 'at once'
  const delayed = /^xstate\.after\.([^.]+)\./.exec(eventType)
  return delayed ? `after ${delayed[1]}` : eventType
}

/** A guard’s name, or the names of those that it is put together of with `and`. */
export function guardOf(guard) {
  return guard.guards?.map(guardOf).join(' and ') ?? guard.type ?? guard
}

/** Top states by their key, children as parent_child: keys are not unique in the chart. */
function nameOf(state) {
  return state.path.join('_')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { electionMachine } = await import('../dist/machines/election.js')
  const page = new URL('../docs/correctness.md', import.meta.url)
  await writeFile(page, withDiagram(await readFile(page, 'utf8'), electionMachine))
}
