import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Each line names the process group that is in its charge; an empty one, that there is none. The input
 * ends when whoever wrote to it has ended, however that came. No shell's `kill` takes more than this:
 * dash has no `--` after a number, and nothing negative after `-s KILL`.
 */
const SCRIPT = `
trap '' HUP INT TERM
group=
while read -r line; do group=$line; done
[ -z "$group" ] || kill -9 "-$group"
`

/**
 * Kills a process group when this process ends before it, even by SIGKILL: a shell in a session of its
 * own, which waits for the end of a pipe whose other end nobody else holds. Where there is no `/bin/sh`,
 * or somebody has killed it too, there is no such help.
 */
export class Reaper {
  #shell: ChildProcess | null = this.#open()

  /** Takes charge of a process group in place of any other. Throws nothing. */
  takeCharge(group: number): void {
    this.#shell ??= this.#open()
    this.#write(`${group}\n`)
  }

  /** Nothing is left of the group. Its id may be another's soon. */
  release(): void {
    this.#write('\n')
  }

  #write(line: string): void {
    this.#shell?.stdin?.write(line)
  }

  #open(): ChildProcess | null {
    try {
      const shell = spawn('/bin/sh', ['-c', SCRIPT], {
        cwd: '/',
        detached: true,
        env: {},
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      const gone = () => {
        if (this.#shell === shell) this.#shell = null
      }
      shell.on('error', gone)
      shell.on('exit', gone)
      // Its end is told of by `exit`.
      shell.stdin.on('error', () => undefined)
      shell.unref()
      return shell
    } catch {
      return null
    }
  }
}
