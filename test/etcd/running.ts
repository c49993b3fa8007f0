import type { Cluster, EtcdOptions, Member } from './cluster.js'
import { refuseData } from './data.js'

/** Stands for an etcd that someone else runs: it can be used, and not be broken. */
export function useRunning(
  endpoints: readonly string[],
  size: number,
  options: EtcdOptions,
): Cluster {
  const [asked] = Object.keys(options)
  if (asked !== undefined) {
    throw new Error(
      `This test needs an etcd of its own (option ${asked}), and LOCKED_TEST_ETCD names one that runs already. Unset LOCKED_TEST_ETCD to run it.`,
    )
  }
  if (endpoints.length < size) {
    throw new Error(
      `This test needs ${size} members, and LOCKED_TEST_ETCD names ${endpoints.length}. Name more, or unset LOCKED_TEST_ETCD.`,
    )
  }
  const members = endpoints.slice(0, size).map((endpoint) => new RunningMember(endpoint))
  const stop = async () => {}
  return {
    members,
    endpoints: members.map((member) => member.endpoint),
    data: refuseData('LOCKED_TEST_ETCD names an etcd whose data are not the test’s to touch'),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

class RunningMember implements Member {
  constructor(readonly endpoint: string) {}

  get name(): string {
    return this.endpoint
  }

  get endpoints(): readonly string[] {
    return [this.endpoint]
  }

  kill = () => this.#refuse('kill')
  start = () => this.#refuse('start')
  upgrade = () => this.#refuse('upgrade')
  pause = () => this.#refuse('pause')
  resume = () => this.#refuse('resume')

  async #refuse(what: string): Promise<void> {
    throw new Error(
      `Cannot ${what} ${this.endpoint}: LOCKED_TEST_ETCD names an etcd that this test did not start. Unset LOCKED_TEST_ETCD to run tests that break etcd.`,
    )
  }
}
