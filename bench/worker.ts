// A process that takes part in a measurement: the candidates of one contender. Its parent asks it by
// messages (see process.ts), and it answers with times by `now()`.
import { AGAINST, versionIn } from './contenders/before.js'
import type { Candidate, Contender, ContenderName } from './contenders/contender.js'
import { Etcd3Contender } from './contenders/etcd3.js'
import { FloorContender } from './contenders/floor.js'
import { LockedContender } from './contenders/locked.js'
import { now } from './now.js'
import type { Answers, Ask } from './process.js'

const makers: {
  readonly [Name in Exclude<ContenderName, 'go'>]: (endpoint: string) => Promise<Contender>
} = {
  locked: async (endpoint) => new LockedContender(endpoint, await versionIn(process.cwd())),
  before: async (endpoint) =>
    new LockedContender(endpoint, await versionIn(process.env[AGAINST] ?? '')),
  etcd3: async (endpoint) => new Etcd3Contender(endpoint),
  floor: async (endpoint) => new FloorContender(endpoint),
}

let contender: Contender | null = null
let candidates: Candidate[] = []

const calls: { [Name in keyof Answers]: (ask: Ask<Name>) => Promise<Answers[Name]> } = {
  async prepare({ name, endpoint, warm }) {
    if (name === 'go') throw new Error('bench: that one is a program of its own')
    contender = await makers[name](endpoint)
    if (warm) await contender.warm()
  },
  async join({ paths, lead, listen = true }) {
    const startedAt = now()
    const joined = await made().join(paths)
    candidates.push(...joined)
    // Who is to be elected later is listened to from now on.
    if (listen) for (const candidate of joined) void candidate.electedAt()
    if (lead) await Promise.all(joined.map((candidate) => candidate.electedAt()))
    return { startedAt, doneAt: now() }
  },
  async joinInTurn({ paths }) {
    const tookMs: number[] = []
    for (const path of paths) {
      const startedAt = now()
      const [candidate] = await made().join([path])
      if (candidate === undefined) throw new Error('nobody joined')
      tookMs.push((await candidate.electedAt()) - startedAt)
      candidates.push(candidate)
    }
    return tookMs
  },
  async elected() {
    const at = await Promise.all(candidates.map((candidate) => candidate.electedAt()))
    return { firstAt: Math.min(...at), lastAt: Math.max(...at) }
  },
  async leave() {
    const leaving = candidates
    candidates = []
    const startedAt = now()
    await Promise.all(leaving.map((candidate) => candidate.leave()))
    return { startedAt, doneAt: now() }
  },
  async leaveFirst() {
    const first = candidates.shift()
    const startedAt = now()
    await first?.leave()
    return { startedAt, doneAt: now() }
  },
  async electedFirst() {
    return { at: (await candidates[0]?.electedAt()) ?? Number.NaN }
  },
  async takeOverWithin() {
    const first = await Promise.race(
      candidates.map((candidate) => candidate.electedAt().then(() => candidate)),
    )
    candidates = candidates.filter((candidate) => candidate !== first)
    const startedAt = now()
    const next = Promise.race(candidates.map((candidate) => candidate.electedAt()))
    await first.leave()
    return (await next) - startedAt
  },
  async processorTime() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
  async heap() {
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return process.memoryUsage().heapUsed
  },
  async close() {
    candidates = []
    await contender?.close()
  },
}

function made(): Contender {
  if (contender === null) throw new Error('bench: prepare the worker first')
  return contender
}

process.on('message', (ask: Ask<keyof Answers>) => void answer(ask))

async function answer<Name extends keyof Answers>(ask: Ask<Name>): Promise<void> {
  try {
    process.send?.({ id: ask.id, result: await calls[ask.call](ask) })
  } catch (thrown) {
    process.send?.({ id: ask.id, error: String(thrown) })
  }
}
