/** Runs paths on real nodes. After every step the node, its events and the server are as the model says. */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { initialTransition, type SnapshotFrom, transition } from 'xstate'
import { electionMachine } from '../../machines/election.js'
import { holderFrom } from '../../src/record.js'
import { leafOf, leavesOf, transitionsOf } from './chart.js'
import { keyOf, labelOf, type Path } from './model.js'
import { Scene, type Server } from './scene.js'
import { isOwn, type ModelEvent, type TestMachine, type TestSnapshot } from './test-machine.js'
import { type Told, toldBy } from './told.js'

/** What the runs have been through, on the shipped machine inside the real nodes. */
export class Coverage {
  readonly #states = new Set<string>()
  readonly #transitions = new Set<string>()
  paths = 0
  steps = 0

  entered(leaf: string): void {
    this.#states.add(leaf)
  }

  took(transition: string): void {
    this.#transitions.add(transition)
  }

  get missed() {
    return {
      states: leavesOf(electionMachine).filter((leaf) => !this.#states.has(leaf)),
      transitions: transitionsOf(electionMachine).filter((name) => !this.#transitions.has(name)),
    }
  }

  report(sinceMs: number): string {
    const { states, transitions } = this.missed
    const share = (missed: number, all: number) =>
      `${all - missed} of ${all} (${Math.floor(((all - missed) / all) * 1_000) / 10} %)`
    return [
      `${this.paths} paths, ${this.steps} steps, ${((Date.now() - sinceMs) / 1_000).toFixed(1)} s`,
      `states ${share(states.length, leavesOf(electionMachine).length)}, ` +
        `transitions ${share(transitions.length, transitionsOf(electionMachine).length)}`,
    ].join('; ')
  }
}

export interface Stage {
  readonly machine: TestMachine
  /** A server for one path. */
  serve(): Server
}

/** In seconds. The leases on a real server must outlast a path; for the node time is virtual. */
const TTL = 60

/** On an etcd that others use as well. */
const KEYS = `/paths/${randomUUID()}`

let paths = 0

export async function runPath(path: Path, stage: Stage, coverage: Coverage): Promise<void> {
  paths += 1
  const { machine } = stage
  const at = `${KEYS}/${paths}`
  const scene = new Scene(stage.serve(), at, TTL, (name) => coverage.took(name))
  const { instance } = scene.subject.actor.getSnapshot().context
  const [initial] = initialTransition(machine, {
    path: at,
    id: 'node',
    instance,
    value: 'value 0',
    ttl: TTL,
    isSole: true,
  })
  let snapshot = initial
  let told: Told[] = []
  const causeIt = async ({ event }: { readonly event: { readonly type: string } }) => {
    if (!isModelEvent(event)) return
    scene.told.length = 0
    const caused = await scene.cause(event, snapshot.context.world)
    const [next, actions] = transition(machine, snapshot, caused)
    snapshot = next
    told = actions.flatMap((action) => toldBy(emittedBy(action)))
  }
  const compare = async (state: TestSnapshot) => {
    expect(keyOf(snapshot)).toBe(keyOf(state))
    const { standing, robbed } = snapshot.context.world
    if (scene.subject.isLeader && !robbed) expect(standing).toBe('mine')
    const expected = { ...modelled(snapshot), told }
    await scene.until(async () => isDeepStrictEqual(await observed(scene), expected))
    expect(await observed(scene)).toEqual(expected)
    coverage.entered(leafOf(snapshot.value))
  }
  try {
    await path.test({
      events: Object.fromEntries(
        path.steps.map(({ event: { type } }) => [type, causeIt]),
      ) as Record<ModelEvent['type'], typeof causeIt>,
      states: { '*': compare },
    })
  } catch (error) {
    if (error instanceof Error) error.message = `${describePath(path)}\n${error.message}`
    throw error
  } finally {
    const left = await scene.close()
    expect(left).toEqual([])
  }
  coverage.paths += 1
  coverage.steps += path.steps.length - 1
}

export function describePath(path: Path): string {
  return path.steps
    .map(({ event }) => event)
    .filter(isModelEvent)
    .map(labelOf)
    .join(' → ')
}

function modelled({ value, context: { world, ...context } }: SnapshotFrom<TestMachine>) {
  const { holder } = context
  const leads = leafOf(value).startsWith('leader')
  return {
    machine: { value, context },
    state: leafOf(value).split('.')[0],
    isLeader: leads,
    holder: holder && { id: holder.id, value: holder.value, token: BigInt(holder.token) },
    token: leads && holder !== null ? BigInt(holder.token) : null,
    standing: isOwn(world.standing) ? 'mine' : world.standing,
    // A node that is about to release has let go of its session.
    hasSession: leafOf(value).startsWith('stopped') || world.session !== 'none',
  }
}

async function observed(scene: Scene) {
  const { subject } = scene
  const { value, context } = subject.actor.getSnapshot()
  const { state, isLeader, holder, token } = subject
  return {
    machine: { value, context },
    state,
    isLeader,
    holder,
    token,
    standing: await standingAt(scene),
    hasSession: state === 'stopped' || subject.validityMs > 0,
    told: [...scene.told],
  }
}

async function standingAt(scene: Scene): Promise<string> {
  const { entry } = await scene.standing()
  if (entry === null) return 'vacant'
  const { instance, id, released } = holderFrom(entry)
  if (id === null) return 'junk'
  if (instance === scene.subject.actor.getSnapshot().context.instance) return 'mine'
  if (instance !== scene.rivalInstance) return `another: ${entry.text}`
  return released ? 'leaving' : 'rival'
}

function emittedBy(action: { readonly type: string; readonly params?: unknown }): unknown {
  return action.type === 'xstate.emit' ? Object(action.params).event : null
}

function isModelEvent(event: { readonly type: string }): event is ModelEvent {
  return 'cause' in event
}
