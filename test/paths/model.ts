/** Which events the world can bring about in each state, and what it is like afterwards. */
import { createTestModel } from 'xstate/graph'
import type { Holder, Json, Successor } from '../../machines/election.js'
import { batchOf } from '../../machines/successor.js'
import { leafOf } from './chart.js'
import {
  INPUT,
  isOwn,
  type ModelContext,
  type ModelEvent,
  type TestMachine,
  type TestSnapshot,
  type World,
} from './test-machine.js'

export const JUNK = 'not a record'

const FAILURE = { name: 'Error', message: 'model' }
const LEASE = 'lease'
const OVER = { late: false, write: null, robbed: false }
const REFUSED_VALUE = { type: 'valueRefused', cause: 'too large', error: FAILURE } as const
/** The session of a follower ends. */
const SILENT: ModelEvent = {
  type: 'expired',
  cause: 'silent',
  world: { session: 'none', late: false },
}
/** The same, before a backoff has passed. */
const SLEPT: ModelEvent = { ...SILENT, cause: 'slept' }

/** Every event that can be caused in this state. */
export function eventsIn(snapshot: TestSnapshot): readonly ModelEvent[] {
  const leaf = leafOf(snapshot.value)
  const { world } = snapshot.context
  // From here on it is an actor as any that has just been started, or a node as any other of a process.
  if (world.restored || (world.kept && !leaf.startsWith('stopped'))) return []
  const work = { working: leaf.startsWith('leader') }
  const user: ModelEvent[] = [
    { type: 'propose', cause: 'user', value: newValue(snapshot.context) },
    { type: 'start', cause: 'user' },
    { type: 'stop', cause: 'user', world: { ...OVER, ...work } },
    { type: 'transfer', cause: 'user', to: null, world: { ...OVER, ...work } },
  ]
  const events = [...user, ...worldly(leaf, snapshot.context, world), ...replaced(leaf, world)]
  return events.filter((event) => snapshot.can(event))
}

function worldly(leaf: string, context: ModelContext, world: World): ModelEvent[] {
  switch (leaf) {
    case 'campaigning.claiming':
      return claiming(context, world)
    case 'campaigning.clearing':
      return clearing()
    case 'campaigning.waiting':
      return [{ type: 'backoff', cause: 'clock' }]
    case 'campaigning.yielding':
      return [{ type: 'courtesy', cause: 'clock' }]
    case 'leader.holding':
      return [...leading(context), ...untilDue(), ...losing()]
    case 'leader.proposing':
      return [...leading(context), ...untilDue(), ...losing(), ...proposing(context, world)]
    case 'leader.waiting':
      return world.robbed
        ? [toldOfRobbery(context)]
        : [...leading(context), { type: 'backoff', cause: 'clock' }]
    case 'follower.following':
      return following(context, world)
    case 'follower.enqueueing':
      return [...enqueueing(context), ...installed(context, world), SILENT]
    case 'follower.pausing':
      return [{ type: 'backoff', cause: 'clock' }, ...installed(context, world), SLEPT]
    case 'follower.reopening':
      return reopening()
    case 'follower.waiting':
      return [{ type: 'backoff', cause: 'clock' }]
    case 'stopped.withdrawing':
      return withdrawing(context, world)
    case 'stopped.draining':
      return draining(world)
    case 'stopped.listing':
      return listing(context, world)
    case 'stopped.choosing.checking':
      return checking(context)
    case 'stopped.handingOver':
      return handingOver()
    case 'stopped.releasing':
      return releasing(context, world)
    case 'stopped.leaving':
      return leaving(context, world)
    case 'stopped.settling':
      return settling(context, world)
    case 'stopped.clearing':
      return [...clearing(), { type: 'stop', cause: 'user' }]
    default:
      return []
  }
}

/** What is not what it was: the store's history, or the process that the actor runs in. */
function replaced(leaf: string, { standing, robbed }: World): ModelEvent[] {
  if (leaf === 'idle' || leaf === 'stopped.released' || robbed) return []
  const reset: ModelEvent = {
    type: 'reset',
    cause: 'lost',
    world: { ...OVER, session: 'none', claim: null, standing: 'vacant' },
  }
  if (leaf === 'campaigning.claiming') return [reset]
  if (leaf === 'stopped.withdrawing') return []
  const isOwn = standing === 'mine' || standing === 'unconfirmed'
  const restored: ModelEvent = {
    type: 'restored',
    cause: 'new process',
    world: {
      ...OVER,
      session: 'none',
      standing: isOwn ? 'leftover' : standing,
      restored: true,
      kept: false,
      claim: null,
      working: false,
      heir: false,
    },
  }
  return leaf.startsWith('stopped') && leaf !== 'stopped.settling' ? [restored] : [reset, restored]
}

function claiming(context: ModelContext, { session, claim, standing }: World): ModelEvent[] {
  const opened: Partial<World> = { claim: null, session: session === 'none' ? 'open' : session }
  const over: Partial<World> = { claim: null, session: 'none', late: false }
  const mine = holder(context, 'mine', claim?.value ?? null)
  const entered = { entered: { value: claim?.value ?? null } }
  const failed = { type: 'failed', error: FAILURE } as const
  const refused = { type: 'refused', error: FAILURE } as const
  const events: ModelEvent[] = [
    { ...failed, cause: 'no answer', lease: LEASE, world: { ...opened, asked: true } },
    { ...failed, cause: 'late', lease: LEASE, world: { ...opened, late: true, asked: true } },
    { ...refused, cause: 'claim', world: { ...opened, late: false } },
  ]
  // One that loses enters the node under the lease, and so finds out if that is gone.
  if (session !== 'gone') {
    events.push({
      type: 'held',
      cause: standing === 'junk' ? 'junk' : 'rival',
      holder: holder(context, standing === 'junk' ? 'junk' : 'rival'),
      revision: context.revision + 1,
      lease: LEASE,
      ...entered,
      world: { ...opened, standing: standing === 'junk' ? 'junk' : 'rival' },
    })
  }
  if (isOwn(standing) && session !== 'gone') {
    events.push({
      type: 'held',
      cause: 'leftover',
      holder: { ...mine, session: LEASE },
      revision: context.revision + 1,
      lease: LEASE,
      ...entered,
      world: opened,
    })
  }
  if (standing !== 'junk' && session !== 'gone') {
    events.push({
      type: 'held',
      cause: 'leaving rival',
      holder: { ...holder(context, 'rival'), released: true },
      revision: context.revision + 1,
      lease: LEASE,
      ...entered,
      world: { ...opened, standing: 'leaving' },
    })
  }
  if (session === 'none') {
    events.push(
      { ...failed, cause: 'no session', world: over },
      { ...refused, cause: 'session', world: over },
    )
  }
  if (session === 'gone') {
    events.push({ ...failed, cause: 'lease gone', world: { ...over, standing: 'vacant' } })
  } else {
    const won = { type: 'won', holder: mine } as const
    events.push(
      {
        ...won,
        cause: 'vacant',
        validityMs: 1,
        world: { ...opened, ...OVER, standing: 'mine' },
      },
      {
        ...won,
        cause: 'session over',
        validityMs: 0,
        world: { ...over, standing: 'vacant' },
      },
      {
        ...failed,
        cause: 'answer lost',
        lease: LEASE,
        world: {
          ...opened,
          asked: true,
          standing: standing === 'leftover' ? 'leftover' : 'unconfirmed',
        },
      },
    )
  }
  return events
}

/** What the claim that is on its way when the node is stopped can still bring. */
function withdrawing(context: ModelContext, world: World): ModelEvent[] {
  const events: ModelEvent[] = claiming(context, world).filter(
    ({ cause }) => !['late', 'leaving rival', 'session over', 'junk'].includes(cause),
  )
  if (world.session !== 'none') return events
  // It is not sent once it is not wanted.
  const unsent = ['no session', 'session']
  return [
    ...events.filter(({ cause }) => unsent.includes(cause)),
    { type: 'withdrawn', cause: 'not sent', world: { claim: null, session: 'open' } },
  ]
}

function clearing(): ModelEvent[] {
  return [
    { type: 'cleared', cause: 'answer', world: { standing: 'vacant' } },
    { type: 'failed', cause: 'no answer', error: FAILURE, lease: LEASE, world: { asked: true } },
    { type: 'refused', cause: 'clear', error: FAILURE, world: OVER },
  ]
}

/** What can happen in every part of `leader`. */
function leading(context: ModelContext): ModelEvent[] {
  const revision = context.revision + 1
  const changed = { type: 'changed', revision } as const
  return [
    { type: 'workFailed', cause: 'work', error: FAILURE, world: { ...OVER } },
    { type: 'refused', cause: 'watch', error: FAILURE, world: { ...OVER, working: true } },
    { type: 'retrying', cause: 'watch', error: FAILURE, attempt: 1 },
    {
      type: 'expired',
      cause: 'wall clock',
      world: { ...OVER, session: 'none', standing: 'vacant' },
    },
    { type: 'vacated', cause: 'deleted', revision, world: { ...OVER, standing: 'vacant' } },
    {
      type: 'vacated',
      cause: 'revoked',
      revision,
      world: { ...OVER, standing: 'vacant', session: 'gone' },
    },
    { ...changed, cause: 'own reign', holder: holder(context, 'same', 'written') },
    {
      ...changed,
      cause: 'junk',
      holder: holder(context, 'junk'),
      world: { ...OVER, standing: 'junk' },
    },
    {
      ...changed,
      cause: 'missed',
      holder: holder(context, 'rival'),
      world: { ...OVER, standing: 'rival' },
    },
  ]
}

/** What comes by the session's timers; a backoff would end before them. */
function untilDue(): ModelEvent[] {
  return [
    { type: 'renewed', cause: 'clock', validityMs: 1 },
    { type: 'retrying', cause: 'renewal', error: FAILURE, attempt: 1 },
  ]
}

function losing(): ModelEvent[] {
  return [
    { type: 'expired', cause: 'frozen', world: { ...OVER, session: 'none', standing: 'leftover' } },
    {
      type: 'expired',
      cause: 'lease gone',
      world: { ...OVER, session: 'none', standing: 'vacant' },
    },
  ]
}

function proposing(context: ModelContext, { write }: World): ModelEvent[] {
  if (write === null) return []
  const { value, carriedOut } = write
  const revision = context.revision + (carriedOut ? 0 : 1)
  const events: ModelEvent[] = [
    { type: 'proposed', cause: 'answer', value, revision, world: { write: null } },
    { type: 'failed', cause: 'no answer', error: FAILURE, world: { write: null } },
    {
      type: 'refused',
      cause: 'write',
      error: FAILURE,
      world: { ...OVER, working: true },
    },
  ]
  if (carriedOut) return events
  return [
    ...events,
    { ...REFUSED_VALUE, world: { write: null } },
    {
      type: 'reignOver',
      cause: 'deleted',
      world: { ...OVER, standing: 'vacant', robbed: true },
    },
    {
      type: 'changed',
      cause: 'own write',
      holder: holder(context, 'same', value),
      revision,
      world: { write: { value, carriedOut: true } },
    },
  ]
}

function following(context: ModelContext, world: World): ModelEvent[] {
  const revision = context.revision + 1
  const changed = { type: 'changed', revision } as const
  const trouble: ModelEvent[] = [
    { type: 'refused', cause: 'watch', error: FAILURE, world: OVER },
    { type: 'retrying', cause: 'watch', error: FAILURE, attempt: 1 },
  ]
  const vacant: Partial<World> = { standing: 'vacant' }
  const missed: ModelEvent = {
    ...changed,
    cause: 'missed',
    holder: holder(context, 'rival'),
    world: { standing: 'rival' },
  }
  if (world.standing === 'leaving') {
    return [...trouble, missed, { type: 'vacated', cause: 'stood down', revision, world: vacant }]
  }
  const events: ModelEvent[] = [
    ...trouble,
    SILENT,
    ...installed(context, world),
    { type: 'vacated', cause: 'deleted', revision, world: vacant },
    missed,
  ]
  if (world.standing === 'rival') {
    events.push(
      { type: 'vacated', cause: 'revoked', revision, world: vacant },
      { ...changed, cause: 'rival proposes', holder: holder(context, 'same', 'written') },
      { ...changed, cause: 'junk', holder: holder(context, 'junk'), world: { standing: 'junk' } },
      { ...changed, cause: 'stands down', holder: holder(context, 'released'), world: vacant },
    )
  }
  if (world.late && world.session === 'open') {
    events.push({
      ...changed,
      cause: 'late claim',
      holder: holder(context, 'mine'),
      world: { standing: 'unconfirmed', late: false },
    })
  }
  return events
}

/** The leader hands over to this node, whose entry stands there with the value that it had then. */
function installed(context: ModelContext, { standing, session }: World): ModelEvent[] {
  const { entered, revision } = context
  if (standing !== 'rival' || session !== 'open' || entered === null) return []
  return [
    {
      type: 'changed',
      cause: 'handed over',
      holder: { ...holder(context, 'mine', entered.value), created: 1 },
      revision: revision + 1,
      world: { standing: 'mine', late: false },
    },
  ]
}

/** A new value is on its way to where candidates stand. */
function enqueueing({ value, revision, entered }: ModelContext): ModelEvent[] {
  return [
    ...(entered === null ? [] : [REFUSED_VALUE]),
    { type: 'entered', cause: 'answer', value, lease: LEASE, revision: revision + 1 },
    { type: 'failed', cause: 'no answer', error: FAILURE, lease: LEASE },
  ]
}

/** In the order in which they came; all have the lease of their process, which is one for each. */
const HEIRS: readonly Successor[] = [1, 2, 3].map((since) => ({
  id: 'node',
  instance: `heir ${since}`,
  text: '',
  since,
  revision: since,
  lease: `another ${since}`,
}))
const [HEIR] = HEIRS

/** It waits for work that goes on. */
function draining({ standing }: World): ModelEvent[] {
  const ended: Partial<World> = { working: false }
  const unknown = { type: 'drained', waiting: null } as const
  const events: ModelEvent[] = [
    { ...unknown, cause: 'work ends', world: ended },
    { type: 'drained', cause: 'nobody ever waits', waiting: [], world: ended },
    {
      ...unknown,
      cause: 'validity ends',
      world: { ...ended, session: 'none', standing: 'vacant' },
    },
  ]
  if (!isOwn(standing)) return events
  const known = { type: 'drained', knownUpTo: 9, world: { ...ended, heir: true } } as const
  return [
    ...events,
    { ...known, cause: 'one known', waiting: [HEIR] },
    { ...known, cause: 'several known', waiting: HEIRS },
  ]
}

function listing({ attempt }: ModelContext, { standing }: World): ModelEvent[] {
  const events: ModelEvent[] = [
    { type: 'listed', cause: 'nobody waits', waiting: [] },
    { type: 'failed', cause: 'list', error: FAILURE },
    { type: 'refused', cause: 'list', error: FAILURE },
    { type: 'untilListed', cause: 'clock' },
  ]
  if (!isOwn(standing)) return events
  const listed = { type: 'listed', world: { heir: true } } as const
  events.push({ ...listed, cause: 'one waits', waiting: [HEIR] })
  // What can happen among several can happen before one has left.
  if (attempt === 0) events.push({ ...listed, cause: 'several wait', waiting: HEIRS })
  return events
}

/** Whoever is overdue has gone, so that somebody else is chosen. */
function checking({ choosing }: ModelContext): ModelEvent[] {
  const [latest] = choosing
  const events: ModelEvent[] = batchOf(choosing)
    .filter(({ isOverdue }) => isOverdue === undefined)
    .flatMap(({ instance }) => {
      const which = HEIRS.findIndex((one) => one.instance === instance) + 1
      const checked = { type: 'checked', instance } as const
      return [
        { ...checked, cause: `heir ${which} in time`, isOverdue: false },
        { ...checked, cause: `no answer about heir ${which}`, isOverdue: null },
        ...(instance === latest?.instance
          ? [{ ...checked, cause: `heir ${which} overdue`, isOverdue: true }]
          : []),
      ]
    })
  return [...events, { type: 'untilChosen', cause: 'clock' }]
}

function handingOver(): ModelEvent[] {
  const unanswered = { type: 'failed', error: FAILURE, lease: LEASE } as const
  const done: Partial<World> = { standing: 'rival', heir: false }
  return [
    { type: 'handedOver', cause: 'answer', world: done },
    { type: 'declined', cause: 'left', world: { heir: false } },
    { ...unanswered, cause: 'no answer', world: { asked: true, heir: false } },
    { ...unanswered, cause: 'answer lost', world: { ...done, asked: true } },
    { type: 'refused', cause: 'hand-over', error: FAILURE, world: { heir: false } },
  ]
}

/** A follower asks for another session. */
function reopening(): ModelEvent[] {
  return [
    { type: 'opened', cause: 'answer', world: { session: 'open' } },
    { type: 'failed', cause: 'no session', error: FAILURE },
    { type: 'refused', cause: 'session', error: FAILURE, world: OVER },
  ]
}

function toldOfRobbery({ revision }: ModelContext): ModelEvent {
  return {
    type: 'vacated',
    cause: 'told late',
    revision: revision + 1,
    world: { ...OVER, robbed: false },
  }
}

/** Its record goes, if one stands there; and where it has no entry, its session. */
function releasing(context: ModelContext, world: World): ModelEvent[] {
  const { standing, kept } = world
  const isHolder = context.holder?.instance === context.instance
  const isUnderSession = standing === 'mine' || standing === 'unconfirmed'
  const over: Partial<World> = kept ? {} : { session: 'none' }
  const isDeleted = isHolder ? isOwn(standing) : isUnderSession && !kept
  const vacant = isDeleted ? { standing: 'vacant' as const } : {}
  if (context.entered !== null) {
    return [
      { type: 'deleted', cause: 'answer', world: vacant },
      { type: 'deleted', cause: 'no answer', lease: LEASE, world: { asked: true } },
    ]
  }
  const events: ModelEvent[] = [{ type: 'released', cause: 'done', world: { ...over, ...vacant } }]
  if (isHolder && isUnderSession) {
    events.push({
      type: 'released',
      cause: 'no answer, session kept',
      lease: LEASE,
      world: { kept: true, asked: true, standing: 'unconfirmed' },
    })
  }
  if (kept) return events
  events.push(lost(world, isHolder))
  if (isHolder && standing === 'mine') {
    events.push({ type: 'released', cause: 'not revoked', world: { ...over, standing: 'vacant' } })
  }
  return events
}

/** Its entry goes, and its session. */
function leaving(context: ModelContext, world: World): ModelEvent[] {
  const { standing, kept } = world
  // A record whose deletion had no answer.
  const isInDoubt = context.holder?.instance === context.instance
  const isUnderSession = standing === 'mine' || standing === 'unconfirmed'
  const over: Partial<World> = kept ? {} : { session: 'none' }
  const vacant = isUnderSession && !kept ? { standing: 'vacant' as const } : {}
  const events: ModelEvent[] = [
    // As its entry goes it finds what a request without answer has left.
    isUnderSession && !isInDoubt
      ? {
          type: 'held',
          cause: 'leftover',
          holder: holder(context, 'mine'),
          revision: context.revision + 1,
          lease: LEASE,
        }
      : { type: 'released', cause: 'done', world: { ...over, ...vacant } },
  ]
  if (!isInDoubt && standing === 'rival') {
    events.push({
      type: 'held',
      cause: 'handed over',
      holder: { ...holder(context, 'mine', context.entered?.value ?? null), created: 1 },
      revision: context.revision + 1,
      lease: LEASE,
      world: { standing: 'mine' },
    })
  }
  return kept ? events : [...events, lost(world, !isInDoubt)]
}

/** Nothing that it asks for as it leaves has an answer. */
function lost({ standing }: World, isTold: boolean): ModelEvent {
  const isUnderSession = standing === 'mine' || standing === 'unconfirmed'
  return {
    type: 'released',
    cause: 'no answer',
    ...(isTold && { lease: LEASE }),
    world: { session: 'none', ...(isUnderSession && { standing: 'leftover' }) },
  }
}

/** A look at each renewal of the session, which is kept. */
function settling(context: ModelContext, { standing }: World): ModelEvent[] {
  const revision = context.revision + 1
  const nothing: ModelEvent = { type: 'vacated', cause: 'look', revision }
  // What else can happen then can also happen before.
  if (context.attempt > 0) return standing === 'vacant' ? [nothing] : []
  const found = (whose: 'mine' | 'rival'): ModelEvent => ({
    type: 'held',
    cause: whose === 'mine' ? 'look' : 'look at a rival',
    holder: { ...holder(context, whose), session: whose === 'mine' ? LEASE : 'another' },
    revision,
    lease: LEASE,
    world: { standing: whose === 'mine' ? 'unconfirmed' : 'rival' },
  })
  return [
    ...(standing === 'vacant' ? [nothing, found('rival')] : [found('mine')]),
    { type: 'failed', cause: 'look', error: FAILURE },
    { type: 'refused', cause: 'look', error: FAILURE },
    { type: 'settled', cause: 'session over', world: { session: 'none', standing: 'vacant' } },
  ]
}

function holder(
  { holder, revision, instance, id }: ModelContext,
  whose: 'mine' | 'same' | 'rival' | 'released' | 'junk',
  value: Json = null,
): Holder {
  const token = revision + 1
  switch (whose) {
    case 'mine':
      return { id, value, instance, token, session: 'lease' }
    case 'same':
      if (holder === null) throw new Error('nobody is known to hold the path')
      return { ...holder, value }
    case 'released':
      if (holder === null) throw new Error('nobody is known to hold the path')
      return { ...holder, released: true }
    case 'rival':
      return { id: 'rival', value, instance: `rival ${token}`, token, session: 'lease' }
    case 'junk':
      return { id: null, value: JUNK, instance: null, token, session: null }
  }
}

/** Values are told apart, and there are only so many that the model stays finite. */
function newValue({ value }: ModelContext): Json {
  return `value ${(Number(String(value).slice('value '.length)) + 1) % 10}`
}

/** Two snapshots that agree in this are the same to the model. */
export function keyOf({ value, context }: TestSnapshot): string {
  const leaf = leafOf(value)
  const { world, restart } = context
  const { standing, session, claim, write, late, working } = world
  const parts = [
    leaf,
    standing,
    session === 'open' ? '' : `session ${session}`,
    claim !== null && claim.value !== context.value ? 'claims an older value' : '',
    leaf === 'stopped.settling' ? `looked ${context.attempt} times` : '',
    leaf === 'stopped.listing' || leaf === 'stopped.handingOver'
      ? `declined ${context.attempt} times`
      : '',
    ...context.choosing.map(({ isOverdue = 'not yet' }) => `told ${isOverdue}`),
    context.entered === null ? '' : 'entered',
    world.heir ? 'heir' : '',
    world.kept ? 'session kept' : '',
    world.robbed ? 'robbed' : '',
    leaf === 'leader.proposing' && write?.carriedOut ? 'written' : '',
    late ? 'late claim' : '',
    working ? 'working' : '',
    restart ? 'restart' : '',
    world.restored ? 'restored' : '',
  ]
  return parts.filter((part) => part !== '').join(', ')
}

export function labelOf({ type, cause }: ModelEvent): string {
  return `${type} (${cause})`
}

/** What paths lead to: as `createTestModel` has it, each transition from each state is a goal of its own. */
type Goals = 'transitions' | 'states'

/** How snapshots and events are told apart. */
export function serialization(goals: Goals) {
  return {
    serializeState: (state: TestSnapshot, event?: ModelEvent, previous?: TestSnapshot) =>
      goals === 'states' || event === undefined || previous === undefined
        ? keyOf(state)
        : `${keyOf(state)} by ${labelOf(event)} from ${keyOf(previous)}`,
    serializeEvent: labelOf,
  }
}

export function pathModel(machine: TestMachine, goals: Goals) {
  return createTestModel(machine, {
    input: INPUT,
    events: eventsIn,
    // For an event that cannot be caused XState makes one up, with nothing in it.
    filterEvents: (_, event) => 'cause' in event,
    ...serialization(goals),
  })
}

export type Path = ReturnType<ReturnType<typeof pathModel>['getShortestPaths']>[number]
