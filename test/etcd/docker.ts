import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StartedNetwork, StartedTestContainer } from 'testcontainers'
import type { Cluster, EtcdOptions, Member } from './cluster.js'
import { refuseData } from './data.js'
import { untilHealthy } from './health.js'
import { type MemberPlan, planCluster } from './plan.js'
import { freePort } from './ports.js'

/** The image of the tests' etcd. It needs `etcd` on its PATH, and no shell. */
export const defaultImage = 'gcr.io/etcd-development/etcd:v3.4.33'

/** testcontainers, without its helper container, which would have to be pulled as well. */
async function testcontainers() {
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  return await import('testcontainers')
}

/**
 * Resolves once a Docker engine has answered and holds the image. Rejects if there is no engine, if
 * it is silent for `deadlineMs`, or if it cannot get the image.
 */
export async function prepareDocker(image: string, deadlineMs: number): Promise<void> {
  const { getContainerRuntimeClient, ImageName } = await testcontainers()
  const client = await within(deadlineMs, getContainerRuntimeClient())
  const name = ImageName.fromString(image)
  if (!(await client.image.exists(name))) await client.image.pull(name)
}

/** Starts a cluster of containers on a network of its own. */
export async function startContainers(
  image: string,
  size: number,
  options: EtcdOptions,
): Promise<Cluster> {
  const { Network } = await testcontainers()
  // Never Docker's default bridge: what a killed engine leaves on it can make containers unreachable.
  const network = await new Network().start()
  const peers = await Promise.all(
    Array.from({ length: size }, (_, index) => peerAddress(index, network, options)),
  )
  const plans = await planCluster(size, options, {
    listenHost: '0.0.0.0',
    peer(_name, index) {
      const peer = peers[index]
      if (peer === undefined) throw new Error(`a cluster of ${size} has no member ${index}`)
      return { listen: `0.0.0.0:${peer.port}`, advertise: peer.advertise }
    },
  })
  const started = await Promise.allSettled(
    plans.map((plan, index) => {
      const peerPort = options.advertisePeer === undefined ? null : (peers[index]?.port ?? null)
      return ContainerMember.start(image, plan, peerPort, network, options.files)
    }),
  )
  const members = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const stop = async () => {
    await Promise.all(members.map((member) => member.remove()))
    await network.stop()
  }
  const failed = started.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  return {
    members,
    endpoints: members.map((member) => member.endpoint),
    data: refuseData('start etcd with the option `replaceable` to touch its data'),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Where a member listens for its peers, and where they find it: through the gateway if a relay is to be between them. */
async function peerAddress(
  index: number,
  network: StartedNetwork,
  { advertisePeer }: EtcdOptions,
): Promise<{ readonly port: number; readonly advertise: string }> {
  if (advertisePeer === undefined) return { port: 2380, advertise: `member${index}:2380` }
  const port = await freePort()
  return { port, advertise: await advertisePeer(`127.0.0.1:${port}`, await gatewayOf(network)) }
}

/** The address at which the containers of a network reach this machine. */
async function gatewayOf(network: StartedNetwork): Promise<string> {
  const { getContainerRuntimeClient } = await testcontainers()
  const client = await getContainerRuntimeClient()
  const { IPAM } = await client.network.getById(network.getId()).inspect()
  const gateway: unknown = IPAM?.Config?.[0]?.Gateway
  if (typeof gateway !== 'string') throw new Error('docker: the network has no gateway')
  return gateway
}

class ContainerMember implements Member {
  readonly name: string
  readonly endpoints: readonly string[]
  #paused = false

  private constructor(
    readonly plan: MemberPlan,
    readonly started: StartedTestContainer,
  ) {
    this.name = plan.name
    this.endpoints = plan.clientPorts.map((port) => `${this.#host}:${port}`)
  }

  static async start(
    image: string,
    plan: MemberPlan,
    peerPort: number | null,
    network: StartedNetwork,
    files: readonly string[] = [],
  ): Promise<ContainerMember> {
    const { GenericContainer, Wait } = await testcontainers()
    // The same ports inside and outside, fixed, so that a restart finds them again.
    const peerPorts = peerPort === null ? [] : [peerPort]
    const ports = [...plan.clientPorts, plan.metricsPort, ...peerPorts]
    const name = `locked-etcd-${randomUUID()}`
    const said: string[] = []
    let saidAll: Promise<unknown> = Promise.resolve()
    const starting = new GenericContainer(image)
      .withName(name)
      .withEntrypoint(['etcd'])
      .withCommand([...plan.args, '--data-dir=/tmp/etcd'])
      .withEnvironment({ ETCD_UNSUPPORTED_ARCH: process.arch })
      .withCopyFilesToContainer(files.map((file) => ({ source: file, target: file })))
      .withNetwork(network)
      .withNetworkAliases(plan.name)
      .withExposedPorts(...ports.map((port) => ({ container: port, host: port })))
      .withWaitStrategy(
        Wait.forHttp('/health', plan.metricsPort, { abortOnContainerExit: true }).forStatusCode(
          200,
        ),
      )
      .withLogConsumer((log) => {
        log.on('data', (line) => said.push(String(line)))
        saidAll = once(log, 'end')
      })
      .withStartupTimeout(90_000)
      .start()
    try {
      return new ContainerMember(plan, await starting)
    } catch (error) {
      // What it said last may come later than the news that it has ended.
      await Promise.race([saidAll, sleep(2_000)])
      said.push(await removeLeft(name))
      throw new Error(`${plan.name} (${image}): ${String(error)}\n${said.join('')}`, {
        cause: error,
      })
    }
  }

  get endpoint(): string {
    return this.endpoints[0] ?? ''
  }

  async kill(): Promise<void> {
    const container = await this.#container()
    if (!(await container.inspect()).State.Running) return
    const dead = container.wait({ condition: 'not-running' })
    await container.kill({ signal: 'SIGKILL' })
    await this.#thaw()
    await dead
  }

  async start(): Promise<void> {
    await (await this.#container()).start()
    await untilHealthy(`${this.#host}:${this.plan.metricsPort}`, AbortSignal.timeout(60_000))
  }

  async upgrade(): Promise<void> {
    throw new Error(`start etcd with the option \`version\` to upgrade ${this.name}`)
  }

  async pause(): Promise<void> {
    await (await this.#container()).pause()
    this.#paused = true
  }

  async resume(): Promise<void> {
    await (await this.#container()).unpause()
    this.#paused = false
  }

  async remove(): Promise<void> {
    await (await this.#container()).remove({ force: true, v: true })
  }

  get #host(): string {
    const host = this.started.getHost()
    return host === 'localhost' ? '127.0.0.1' : host
  }

  async #container() {
    const { getContainerRuntimeClient } = await testcontainers()
    return (await getContainerRuntimeClient()).container.getById(this.started.getId())
  }

  /** A frozen process dies only once it is thawed; some engines do that by themselves. */
  async #thaw(): Promise<void> {
    if (!this.#paused) return
    this.#paused = false
    const container = await this.#container()
    if ((await container.inspect()).State.Paused) await container.unpause()
  }
}

/**
 * testcontainers leaves a container that has ended before its ports were seen. Removes it, and
 * resolves with what it had said.
 */
async function removeLeft(name: string): Promise<string> {
  const { getContainerRuntimeClient } = await testcontainers()
  const left = (await getContainerRuntimeClient()).container.getById(name)
  try {
    const log = await left.logs({ stdout: true, stderr: true })
    await left.remove({ force: true, v: true })
    return log.toString()
  } catch {
    // It has been removed with its failure.
    return ''
  }
}

async function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no Docker engine answered within ${deadlineMs} ms`)),
      deadlineMs,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
