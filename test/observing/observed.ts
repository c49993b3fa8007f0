import type { LockedObserver } from '../../src/index.js'

/** What an observer tells from now on, in order. */
export function observedBy(observer: LockedObserver): string[] {
  const told: string[] = []
  observer.on('change', (path, { id, value }) =>
    told.push(`${path} ${id}=${JSON.stringify(value)}`),
  )
  observer.on('vacant', (path) => told.push(`${path} vacant`))
  observer.on('known', () => told.push('known'))
  observer.on('unreachable', (_error, attempt) => told.push(`unreachable ${attempt}`))
  observer.on('error', (error) => told.push(`error ${error.message}`))
  return told
}
