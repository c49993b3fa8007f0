import type { Watcher } from 'etcd3'
import { expect } from 'vitest'
import type { Scene } from './scene.js'

/** What happened to a scene's path, as etcd tells anybody who watches: one for each write or deletion. */
export class PathWatch {
  /** The revisions at which it was written, in order. */
  readonly written: number[] = []
  /** The revisions at which it was deleted, in order. */
  readonly deleted: number[] = []
  readonly #watcher: Watcher

  private constructor(watcher: Watcher) {
    this.#watcher = watcher
    watcher.on('put', ({ mod_revision }) => this.written.push(Number(mod_revision)))
    watcher.on('delete', ({ mod_revision }) => this.deleted.push(Number(mod_revision)))
  }

  /** Tells of everything from revision 1 on. It ends with the scene's operator. */
  static async of({ operator, path }: Scene): Promise<PathWatch> {
    return new PathWatch(await operator.watch().key(path).startRevision('1').create())
  }

  /** Resolves once it has been told of the write, or the deletion, at that revision. */
  async until(revision: number): Promise<void> {
    const told = () => [...this.written, ...this.deleted]
    await expect.poll(told).toContain(revision)
  }

  async end(): Promise<void> {
    await this.#watcher.cancel()
  }
}
