import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { EtcdPrograms } from './programs.js'

/** What may be done to the data of a whole cluster. All its members have to be dead, but for `save`. */
export interface ClusterData {
  /** Saves all there is in a backup, as `etcdctl snapshot save` does. The v2 API's data are not in it. */
  save(): Promise<Backup>
  /** Deletes it all: the members begin anew when they are started. */
  erase(options?: ReplacedBy): Promise<void>
  /** Deletes it all, and puts in its place what was saved. */
  restore(backup: Backup, options?: ReplacedBy & Restored): Promise<void>
}

export interface Backup {
  readonly file: string
}

export interface ReplacedBy {
  /** Whether what takes its place has the id of the cluster that was. Default `same`. */
  readonly cluster?: 'same' | 'another'
}

interface Restored {
  /** Raises the revision by so much, and marks all before as compacted; since etcd 3.5. */
  readonly bumpBy?: number
}

/** A member, as far as its data are concerned. */
export interface DataOwner {
  readonly dataDir: string
  readonly isRunning: boolean
  readonly endpoint: string
  args: readonly string[]
}

const TOKEN = '--initial-cluster-token='
/** The arguments of a member that a restored one has to be given too. */
const BOOTSTRAP = ['--name=', '--initial-cluster=', '--initial-advertise-peer-urls=', TOKEN]

/** The data of members that are processes of this machine. */
export class ProcessData implements ClusterData {
  readonly #owners: readonly DataOwner[]
  readonly #folder: string
  readonly #programs: () => Promise<EtcdPrograms>
  #clusters = 0
  #backups = 0

  constructor(owners: readonly DataOwner[], folder: string, programs: () => Promise<EtcdPrograms>) {
    this.#owners = owners
    this.#folder = folder
    this.#programs = programs
  }

  async save(): Promise<Backup> {
    const { etcdctl } = await this.#programs()
    this.#backups += 1
    const file = join(this.#folder, `backup-${this.#backups}.db`)
    const [owner] = this.#owners
    await run(etcdctl, [`--endpoints=${owner?.endpoint}`, 'snapshot', 'save', file])
    return { file }
  }

  async erase({ cluster = 'same' }: ReplacedBy = {}): Promise<void> {
    const running = this.#owners.find(({ isRunning }) => isRunning)
    if (running !== undefined)
      throw new Error(`kill ${running.endpoint} first: it has its data open`)
    if (cluster === 'another') this.#becomeAnother()
    for (const { dataDir } of this.#owners) await rm(dataDir, { recursive: true, force: true })
  }

  async restore(
    { file }: Backup,
    { cluster = 'same', bumpBy = 0 }: ReplacedBy & Restored = {},
  ): Promise<void> {
    await this.erase({ cluster })
    const { etcdctl, etcdutl } = await this.#programs()
    const bump = bumpBy > 0 ? [`--bump-revision=${bumpBy}`, '--mark-compacted'] : []
    for (const { args, dataDir } of this.#owners) {
      const bootstrap = args.filter((arg) => BOOTSTRAP.some((name) => arg.startsWith(name)))
      const settings = [...bootstrap, ...bump, `--data-dir=${dataDir}`]
      await run(etcdutl ?? etcdctl, ['snapshot', 'restore', file, ...settings])
    }
  }

  /** A cluster's id follows from its members' addresses and its token. */
  #becomeAnother(): void {
    this.#clusters += 1
    for (const owner of this.#owners) {
      owner.args = owner.args.map((arg) =>
        arg.startsWith(TOKEN) ? `${TOKEN}another-${this.#clusters}-${process.pid}` : arg,
      )
    }
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, ETCDCTL_API: '3' }
  await promisify(execFile)(program, [...args], { env })
}

/** Of an etcd whose data are out of reach. */
export function refuseData(why: string): ClusterData {
  const refuse = () => Promise.reject(new Error(why))
  return { save: refuse, erase: refuse, restore: refuse }
}
