import type { Profiler } from 'node:inspector'

export interface Share {
  readonly whose: string
  /** Of the time in which the processor was busy. */
  readonly share: number
}

/** Whose a function is, by the name of its file; the first that fits. */
const OWNERS: readonly (readonly [pattern: RegExp, whose: string])[] = [
  [/node_modules\/xstate\//, 'XState'],
  [/node_modules\/(@grpc|protobufjs|@protobufjs|long)\//, 'gRPC'],
  [/node_modules\/(etcd3|cockatiel)\//, 'etcd3'],
  [/node_modules\//, 'other packages'],
  [/\/(src|machines|bench)\//, 'locked'],
]

/** Functions that are none: what V8 says it did. */
const COLLECTOR = '(garbage collector)'
const IDLE = '(idle)'

/** Whose functions ran, the most first. */
export function sharesOf({
  nodes,
  samples = [],
  timeDeltas = [],
}: Profiler.Profile): readonly Share[] {
  const ownerOf = new Map(nodes.map(({ id, callFrame }) => [id, owner(callFrame)]))
  const spent = new Map<string, number>()
  samples.forEach((id, index) => {
    const whose = ownerOf.get(id) ?? 'Node.js'
    spent.set(whose, (spent.get(whose) ?? 0) + (timeDeltas[index] ?? 0))
  })
  spent.delete(IDLE)
  const total = [...spent.values()].reduce((sum, one) => sum + one, 0)
  return [...spent]
    .map(([whose, us]) => ({ whose, share: us / total }))
    .sort((one, other) => other.share - one.share)
}

function owner({ functionName, url }: Profiler.Profile['nodes'][number]['callFrame']): string {
  if (functionName === IDLE) return IDLE
  if (functionName === COLLECTOR) return 'garbage collection'
  return OWNERS.find(([pattern]) => pattern.test(url))?.[1] ?? 'Node.js'
}
