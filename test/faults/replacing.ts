import type { Backup, ClusterData } from '../etcd/data.js'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import type { Scene } from './scene.js'

/** A way in which etcd comes to have another history than the one that its clients know. */
export interface Way {
  readonly title: string
  /** Whether an answer can prove it: by a lower revision, or by another cluster id. */
  readonly isProvable: boolean
  /** Whether tokens still grow. */
  readonly tokensGrow?: true
  /** The version of etcd that it needs. */
  readonly version?: string
  /** What happens before; `a` leads and `b` follows. Resolves with what is done to the data. */
  prepare(scene: Scene, a: Competitor, b: Competitor): Promise<Replace>
  /** What others do before the competitors reach etcd again. */
  unseen?(scene: Scene): Promise<void>
}

type Replace = (data: ClusterData) => Promise<void>
type Cluster = 'same' | 'another'
/** From the same cluster on, writes that the new history does not have. */
const WRITES = 60
const BUMP = 10_000

/** Writes elsewhere, so that the revision grows. */
export async function write(scene: Scene, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await scene.hand.put('elsewhere', `${time}`)
}

function wiped(cluster: Cluster): Way {
  return {
    title: `etcd loses its data and is ${cluster === 'same' ? 'the same' : 'another'} cluster`,
    isProvable: true,
    async prepare(scene) {
      await write(scene, WRITES)
      return (data) => data.erase({ cluster })
    },
  }
}

function filled(cluster: Cluster): Way {
  const { title, prepare } = wiped(cluster)
  return {
    title: `${title}, and is filled beyond the revision that was known`,
    isProvable: cluster === 'another',
    prepare,
    unseen: (scene) => write(scene, 3 * WRITES),
  }
}

interface Restoring {
  readonly title: string
  /** Between the backup and its restoration. */
  between?(scene: Scene, a: Competitor, b: Competitor): Promise<void>
  /** Whether the backup is of a time before anybody was elected. */
  readonly isEmpty?: true
}

const BEFORE: Restoring = { title: 'of before the election', isEmpty: true }
const SAME_LEADER: Restoring = { title: 'in which the leader leads' }
const FORMER_LEADER: Restoring = {
  title: 'in which a former leader leads who now follows, with the same lease',
  async between(scene, a, b) {
    // Its record is overwritten; when that is deleted, it is the slower one.
    scene.wrote('junk', null)
    await scene.hand.put(scene.path, 'junk')
    await a.until('deselect', { timeoutMs: PATIENCE_MS })
    a.delay(1_000)
    await scene.hand.delete(scene.path)
    await b.until('select', { timeoutMs: PATIENCE_MS })
    await a.heal()
    await a.until('change', {
      timeoutMs: PATIENCE_MS,
      where: (told) => 'nodeid' in told && told.nodeid === b.settings.id,
    })
  },
}
const GONE_LEADER: Restoring = {
  title: 'in which somebody leads who has gone',
  async between(_scene, a, b) {
    await a.stop()
    await b.until('select', { timeoutMs: PATIENCE_MS })
  },
}

function restored(of: Restoring, cluster: Cluster, bumpBy = 0): Way {
  const bumped = bumpBy > 0 ? ' with a higher revision' : ''
  const id = cluster === 'same' ? 'the same' : 'another'
  return {
    title: `etcd is restored${bumped} from a backup ${of.title} and is ${id} cluster`,
    isProvable: bumpBy === 0 || cluster === 'another',
    ...(bumpBy > 0 && { tokensGrow: true, version: '3.5' }),
    async prepare(scene, a, b) {
      const backup = of.isEmpty ? emptyBackups.get(scene) : await scene.cluster.data.save()
      if (backup === undefined) throw new Error('there is no backup of before')
      await of.between?.(scene, a, b)
      await write(scene, WRITES)
      return (data) => data.restore(backup, { cluster, bumpBy })
    },
  }
}

const emptyBackups = new WeakMap<Scene, Backup>()

/** Saves what there is before anybody joins. */
export async function saveEmpty(scene: Scene): Promise<void> {
  await write(scene, 1)
  emptyBackups.set(scene, await scene.cluster.data.save())
}

export const wipes: readonly Way[] = [
  wiped('same'),
  wiped('another'),
  filled('same'),
  filled('another'),
]

export const restorations: readonly Way[] = [
  restored(BEFORE, 'same'),
  restored(SAME_LEADER, 'same'),
  restored(SAME_LEADER, 'another'),
  restored(FORMER_LEADER, 'same'),
  restored(GONE_LEADER, 'same'),
  restored(BEFORE, 'another', BUMP),
  restored(SAME_LEADER, 'same', BUMP),
  restored(FORMER_LEADER, 'same', BUMP),
  restored(GONE_LEADER, 'same', BUMP),
]
