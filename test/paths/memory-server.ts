import { setImmediate as immediate } from 'node:timers/promises'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { Server } from './scene.js'

/** A server in memory, on which nothing stands yet. */
export function memoryServer(): Server {
  // Time stands still for the store: a lease ends when it is revoked.
  const store = new MemoryStore(new VirtualClock())
  return {
    store,
    peer: store,
    put: async (path, text) => void store.put(path, text),
    delete: async (path) => void store.delete(path),
    revoke: async (leaseId) => void store.expire(leaseId),
    compact: async () => store.compact(),
    lose: async () => store.restore(null),
    settle: () => immediate(),
    patienceMs: 200,
  }
}
