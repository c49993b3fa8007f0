import { readdirSync, readFileSync } from 'node:fs'

/** The processes that a command and its descendants are, unless they have left it on purpose. */
export class ProcessGroup {
  readonly #id: number

  /** @param id The process id of the command, which leads its group. */
  constructor(id: number) {
    this.#id = id
  }

  signal(signal: NodeJS.Signals): void {
    this.#kill(signal)
  }

  /** Whether any process of it still runs. */
  get isAlive(): boolean {
    if (!this.#kill(0)) return false
    // Processes that are dead and that nobody has taken note of (in a container without an init,
    // say) still count for the kernel.
    return runningIn(this.#id) ?? true
  }

  #kill(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(-this.#id, signal)
      return true
    } catch (thrown) {
      // EPERM: there are processes, of another user by now.
      return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
    }
  }
}

/** Whether a process of this group is more than a zombie; `null` where that cannot be found out. */
function runningIn(group: number): boolean | null {
  if (process.platform !== 'linux') return null
  try {
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isRunningIn(group, name))
  } catch {
    return null
  }
}

function isRunningIn(group: number, pid: string): boolean {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // It has ended meanwhile.
    return false
  }
  // pid (name) state parent group …; the name may hold anything (proc(5)).
  const [state, , id] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(id) === group && state !== 'Z' && state !== 'X'
}
