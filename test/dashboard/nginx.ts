import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { RunningCommand } from '../cli/command.js'
import { unpackDebianPackage } from '../etcd/debian-package.js'
import { blocksOf } from '../readme/blocks.js'

const PAGE = 'docs/dashboard.md'

/** What the documentation tells to give to nginx. */
export function documentedConfiguration(): string {
  const [block, ...others] = blocksOf(PAGE).filter(({ language }) => language === 'nginx')
  if (block === undefined || others.length > 0) throw new Error(`${PAGE}: not one block for nginx`)
  return block.text
}

/** Replaces each of these texts, all of which have to be there. */
export function replaced(text: string, by: Readonly<Record<string, string>>): string {
  return Object.entries(by).reduce((rest, [one, other]) => {
    if (!rest.includes(one)) throw new Error(`${PAGE}: there is no ${one} for nginx any more`)
    return rest.replaceAll(one, other)
  }, text)
}

/** A folder of its own, until the test has finished. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'locked-nginx-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs nginx in `folder` with that in its `http`, until the test has finished. */
export async function runNginx(folder: string, http: string): Promise<RunningCommand> {
  mkdirSync(join(folder, 'temp'))
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, 'temp', name)};`)
    .join('\n')
  const file = join(folder, 'nginx.conf')
  // One process, which ends when it is told to.
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${join(folder, 'pid')};\nevents {}\nhttp {\naccess_log off;\n${temp}\n${http}\n}\n`,
  )
  const nginx = new RunningCommand(await find(), ['-p', folder, '-c', file, '-e', 'stderr'])
  onTestFinished(async () => {
    nginx.kill('SIGKILL')
    await nginx.exited
  })
  return nginx
}

/** The one on the PATH or where Debian puts it, or Debian's, unpacked into a cache folder without root. */
async function find(): Promise<string> {
  const installed = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
    .map((folder) => join(folder, 'nginx'))
    .find(isExecutable)
  return installed ?? join(await unpackDebianPackage('nginx'), 'usr/sbin/nginx')
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
