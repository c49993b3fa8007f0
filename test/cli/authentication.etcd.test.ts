import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { patiently } from '../patience.js'
import { authOf, ROOT, withUsers } from '../secure/users.js'
import { RunningCommand } from './command.js'
import { holderShownBy } from './dashboard-holder.js'

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd({ own: true, extraArgs: ['--bcrypt-cost=4'] })
  await withUsers(new Etcd3({ hosts: `http://${etcd.endpoint}` }), { anna: { prefix: '/app/' } })
})

afterAll(() => etcd?.stop())

test('who logs in goes on when authentication is switched off and on', async () => {
  const path = '/app/logs-in'
  const { username, password } = authOf('anna')
  const env = { ETCDCTL_USER: `${username}:${password}` }
  const elect = runElect(env, path, 60)
  await elect.untilMatch(/works/)
  const dashboard = run(env, 'dashboard', '--prefix', '/app/', '--port', '0')
  const shown = await holderShownBy(dashboard, path)
  await patiently(() => expect(shown()?.value).toBe('first'))
  const token = shown()?.token

  for (const [isOn, value] of [
    [false, 'second'],
    [true, 'third'],
  ] as const) {
    await switchAuth(isOn)
    await operate(isOn, (operator) => operator.put(`/app/beside/${value}`).value(value).exec())
    const beside = await holderShownBy(dashboard, `/app/beside/${value}`)
    await patiently(() => expect(beside()?.token).toBeGreaterThan(0))
  }
  expect(shown()?.token).toBe(token)
  elect.kill('SIGTERM')
  expect(await elect.exited).toBe(143)
  await patiently(() => expect(shown()).toBeNull())
  expect(elect.stdout).toBe('works\n')
  for (const { stderr } of [elect, dashboard]) expect(stderr).not.toMatch(/login|auth|user name/)
})

test('who has no login says that it is refused while it is on, whatever was wrong before, and goes on', async () => {
  await switchAuth(false)
  onTestFinished(() => switchAuth(true).catch(() => undefined))
  const path = '/app/anonymous'
  const elect = runElect({}, path, 5)
  await elect.untilMatch(/works/)
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(() => relay.stop())
  const env = { ETCDCTL_ENDPOINTS: relay.endpoint }
  const dashboard = run(env, 'dashboard', '--prefix', '/app/', '--port', '0')
  const shown = await holderShownBy(dashboard, path)
  await patiently(() => expect(shown()?.value).toBe('first'))
  const token = shown()?.token ?? Number.NaN

  await switchAuth(true)
  // What it watches is told as long as the connection lasts.
  await relay.cut()
  await relay.heal()
  const refused = /cannot be reached.*user name is empty/
  for (const one of [elect, dashboard]) await one.untilMatch(refused)
  await elect.untilMatch(/no longer leads .*: expired/)
  await switchAuth(false)
  await elect.untilMatch(/works[\s\S]*works/)
  for (const one of [elect, dashboard]) await one.untilMatch(/etcd can be reached again/)
  await patiently(() => expect(shown()?.token).toBeGreaterThan(token))
})

/** Its command says that it runs, and runs until it is told to end. */
function runElect(env: NodeJS.ProcessEnv, path: string, ttl: number): RunningCommand {
  const work = ['sh', '-c', 'echo works; exec sleep 600']
  return run(env, 'elect', path, '--ttl', `${ttl}`, '--value', 'first', '--', ...work)
}

function run(env: NodeJS.ProcessEnv, command: string, ...args: readonly string[]): RunningCommand {
  const running = RunningCommand.lockedIn(
    { ETCDCTL_ENDPOINTS: etcd.endpoint, ...env },
    command,
    ...args,
  )
  onTestFinished(() => running[Symbol.dispose]())
  return running
}

async function switchAuth(isOn: boolean): Promise<void> {
  await operate(!isOn, ({ auth }) => (isOn ? auth.authEnable({}) : auth.authDisable({})))
}

/** Does something as root, where etcd asks for a login. */
async function operate(
  isAsked: boolean,
  change: (operator: Etcd3) => Promise<unknown>,
): Promise<void> {
  const operator = new Etcd3({ hosts: `http://${etcd.endpoint}`, ...(isAsked && { auth: ROOT }) })
  try {
    await change(operator)
  } finally {
    operator.close()
  }
}
