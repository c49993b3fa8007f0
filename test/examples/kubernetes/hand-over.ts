import { Etcd3 } from 'etcd3'
import { expect, onTestFinished } from 'vitest'
import { type Etcd, startEtcd } from '../../etcd/index.js'
import { vacanciesOf } from '../../etcd/vacancies.js'
import { patiently } from '../../patience.js'
import { blocksOf } from '../../readme/blocks.js'
import { runShell } from '../../readme/shell.js'
import { ROOT, withUsers } from '../../secure/users.js'
import { environmentOf } from './manifest.js'
import { isLive, isReady, leads, type Pod } from './pod.js'

/** An etcd that asks for a login, and has the user and the role of the example's README. */
export async function etcdWithRole(): Promise<Etcd> {
  const etcd = await startEtcd({ own: true })
  onTestFinished(etcd.stop)
  const block = blocksOf('examples/kubernetes/README.md').find(({ text }) =>
    text.includes('etcdctl role grant-permission'),
  )
  if (block === undefined) throw new Error('the README makes no role')
  await runShell(block, etcd.endpoint)
  await withUsers(new Etcd3({ hosts: `http://${etcd.endpoint}` }), {})
  return etcd
}

/** Starts two pods one after the other, as a Deployment does, and ends the one that leads: the other leads at once. */
export async function handOver(etcd: Etcd, start: (name: string) => Promise<Pod>): Promise<Pod> {
  const { ELECTION_PATH = '' } = environmentOf('')
  const vacancies = await vacanciesOf(etcd.endpoint, ELECTION_PATH, { auth: ROOT })
  const old = await start('old')
  await patiently(async () => expect(await isReady(old)).toBe(true))
  expect([await isLive(old), await leads(old)]).toEqual([true, true])

  const fresh = await start('fresh')
  await patiently(async () => expect(await isReady(fresh)).toBe(true))
  expect([await isLive(fresh), await leads(fresh)]).toEqual([true, false])
  // What is for the leader goes on to where it said that it is.
  const answer = await fetch(`http://127.0.0.1:${fresh.port}/report`)
  expect(answer.url).toBe(`http://127.0.0.1:${old.port}/report`)

  old.terminate()
  expect(await old.exited).toBe(0)
  expect(old.output()).toMatch(/no longer leads: stopped\n(.*\n)*has left\n$/)
  await patiently(async () => expect(await leads(fresh)).toBe(true))
  expect([await isLive(fresh), await isReady(fresh)]).toEqual([true, true])
  expect(await vacancies.untilNow()).toEqual([])
  return fresh
}
