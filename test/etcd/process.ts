import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster, EtcdOptions, Member, Source } from './cluster.js'
import { type DataOwner, ProcessData } from './data.js'
import { untilHealthy } from './health.js'
import { planCluster } from './plan.js'
import { freePort } from './ports.js'
import { etcdPrograms } from './programs.js'

/** Starts a cluster of processes on this machine from an etcd executable. */
export async function startProcesses(
  { binary, version }: Extract<Source, { binary: string }>,
  size: number,
  options: EtcdOptions,
): Promise<Cluster> {
  const peers = await Promise.all(
    Array.from({ length: size }, async () => {
      const listen = `127.0.0.1:${await freePort()}`
      return { listen, advertise: (await options.advertisePeer?.(listen, '127.0.0.1')) ?? listen }
    }),
  )
  const plans = await planCluster(size, options, {
    listenHost: '127.0.0.1',
    peer(_name, index) {
      const peer = peers[index]
      if (peer === undefined) throw new Error(`a cluster of ${size} has no member ${index}`)
      return peer
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'locked-etcd-'))
  const members = plans.map(
    (plan) =>
      new ProcessMember(
        binary,
        plan.name,
        plan.clientPorts,
        plan.metricsPort,
        plan.args,
        join(folder, plan.name),
      ),
  )
  // A test run that is ended early must not leave them running.
  const end = () => {
    for (const member of members) member.killNow()
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', end)

  const stop = async () => {
    await Promise.all(members.map((member) => member.kill()))
    process.off('exit', end)
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    await Promise.all(members.map((member) => member.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    members,
    endpoints: members.map((member) => member.endpoint),
    data: new ProcessData(members, folder, () => etcdPrograms(version)),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

class ProcessMember implements Member, DataOwner {
  readonly endpoints: readonly string[]
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #log = ''

  constructor(
    public binary: string,
    readonly name: string,
    clientPorts: readonly number[],
    readonly metricsPort: number,
    public args: readonly string[],
    readonly dataDir: string,
  ) {
    this.endpoints = clientPorts.map((port) => `127.0.0.1:${port}`)
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  get endpoint(): string {
    return this.endpoints[0] ?? ''
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} is running already`)
    const died = new AbortController()
    const child = spawn(...this.#command(), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: cleanEnv(),
    })
    this.#child = child
    this.#log = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-4_000)
    })
    this.#exited = new Promise((resolve) => {
      const end = (how: string) => {
        this.#child = undefined
        died.abort(new Error(`${this.name} (${this.binary}) ended by itself: ${how}\n${this.#log}`))
        resolve()
      }
      child.once('error', (error) => end(error.message))
      child.once('close', (code, signal) => end(`${signal ?? `exit code ${code}`}`))
    })
    await untilHealthy(`127.0.0.1:${this.metricsPort}`, died.signal)
  }

  async upgrade(version: string): Promise<void> {
    const { etcd } = await etcdPrograms(version)
    await this.kill()
    this.binary = etcd
    await this.start()
  }

  async kill(): Promise<void> {
    this.killNow()
    await this.#exited
  }

  killNow(): void {
    this.#child?.kill('SIGKILL')
  }

  async pause(): Promise<void> {
    this.#signal('SIGSTOP')
  }

  async resume(): Promise<void> {
    this.#signal('SIGCONT')
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#child?.kill(signal)) throw new Error(`${this.name} is not running: no ${signal}`)
  }

  /** On Linux the member also dies with this process when that is killed outright. */
  #command(): [string, string[]] {
    const setpriv = '/usr/bin/setpriv'
    const args = [...this.args, `--data-dir=${this.dataDir}`]
    return process.platform === 'linux' && existsSync(setpriv)
      ? [setpriv, ['--pdeathsig', 'KILL', this.binary, ...args]]
      : [this.binary, args]
  }
}

/** This process's environment without settings for etcd, which would mix with the arguments. */
function cleanEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'))
  // etcd 3.4 asks for this before it runs on a processor other than x86-64.
  return { ...Object.fromEntries(kept), ETCD_UNSUPPORTED_ARCH: process.arch }
}
