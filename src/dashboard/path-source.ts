import { decodeRecord, holderFrom } from '../record.js'
import { instanceAt, isCandidateEntry, pathBeside } from '../stores/candidates.js'
import type { Sighting } from '../stores/store.js'
import type { Board } from './board.js'
import type { SourceNow } from './protocol.js'
import { shortened, shortenedValue } from './shortened.js'

/** There may be thousands of candidates, with ids as long as etcd takes. */
const LONGEST_ID = 200
/** As much as the page shows of a value when it is pointed at; and where there are very many paths. */
const LONGEST_VALUE = 2_000
const LONGEST_OF_MANY = 100
const MANY = 10_000

/** Tells the board what stands at paths, and whether that is known. */
export class PathSource {
  readonly #board: Board
  readonly #id: string
  readonly #kind: SourceNow['kind']
  readonly #name: string

  constructor(board: Board, { id, kind, name }: Pick<SourceNow, 'id' | 'kind' | 'name'>) {
    this.#board = board
    this.#id = id
    this.#kind = kind
    this.#name = name
  }

  connected(): void {
    this.#say(true, null)
  }

  disconnected(problem: string): void {
    this.#say(false, problem)
  }

  seen(path: string, { entry, revision }: Sighting): void {
    const atMs = Date.now()
    const common = { atMs, path, node: null }
    if (entry === null) {
      if (this.#board.holder(path) !== null) {
        this.#board.log({ ...common, kind: 'vacant', details: `revision ${revision}` })
      }
      this.#board.setPath(this.#id, path, null, atMs)
      return
    }
    const { id, value, token, instance, released } = holderFrom(entry)
    const isNew = this.#board.holder(path)?.token !== token
    // A holder that has stood down is about to go: that tells enough, and the value may be an earlier one.
    if (released && !isNew) return
    const holder = {
      id: id === null ? null : shortened(id, LONGEST_ID),
      value: shortenedValue(value, this.#board.pathCount > MANY ? LONGEST_OF_MANY : LONGEST_VALUE),
      token,
      instance: instance === null ? null : shortened(instance, LONGEST_ID),
    }
    this.#board.setPath(this.#id, path, holder, atMs)
    if (released) return
    const details = `${id === null ? 'what is not a record' : shortened(id)}, value ${shortened(JSON.stringify(value))}, token ${token}`
    this.#board.log({ ...common, kind: isNew ? 'held' : 'value', details })
  }

  /** What stands beside a path: of that, the entries of its candidates are told. */
  beside(at: string, { entry }: Sighting): void {
    const path = pathBeside(at)
    const whose = instanceAt(path, at)
    // Anybody may have written there, and anything.
    if (whose === null || isCandidateEntry(path)) return
    const instance = shortened(whose, LONGEST_ID)
    // Without a lease it is no node’s.
    if (entry === null || entry.lease === null) {
      this.#board.candidateLeft(path, instance)
      return
    }
    const id = decodeRecord(entry.text)?.id ?? null
    this.#board.candidateEntered(this.#id, path, {
      instance,
      id: id === null ? null : shortened(id, LONGEST_ID),
      since: entry.token,
    })
  }

  #say(isConnected: boolean, problem: string | null): void {
    const [id, kind, name] = [this.#id, this.#kind, this.#name]
    this.#board.setSource({ id, kind, name, isConnected, sinceMs: Date.now(), problem })
  }
}
