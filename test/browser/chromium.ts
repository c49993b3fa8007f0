import { accessSync, constants, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { unpackDebianPackage } from '../etcd/debian-package.js'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

interface Program {
  readonly executable: string
  readonly env: Record<string, string>
}

/**
 * Starts a browser without a window: the one that LOCKED_TEST_CHROMIUM names, one on the PATH, or
 * Debian's, unpacked into a cache folder without root. `more` are arguments of its command line.
 */
export async function launchChromium(...more: readonly string[]): Promise<Browser> {
  const { executable, env } = await findChromium()
  return await chromium.launch({
    executablePath: executable,
    // Its sandbox needs rights that root in a container does not have, and the pages are our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...more],
    env: { ...process.env, ...env },
  })
}

async function findChromium(): Promise<Program> {
  const named = process.env.LOCKED_TEST_CHROMIUM || NAMES.map(onPath).find((one) => one !== null)
  return named ? { executable: named, env: {} } : await unpacked()
}

async function unpacked(): Promise<Program> {
  let root: string
  try {
    root = await unpackDebianPackage('chromium', { withDependencies: true })
  } catch (cause) {
    throw new Error(
      'no browser for the tests: none on the PATH, and Debian’s could not be unpacked; install chromium, or set LOCKED_TEST_CHROMIUM to its path',
      { cause },
    )
  }
  return {
    executable: join(root, 'usr/lib/chromium/chromium'),
    env: {
      LD_LIBRARY_PATH: libraryFolders(root).join(delimiter),
      FONTCONFIG_FILE: describeFonts(root),
    },
  }
}

/** All folders that hold libraries: some packages have one of their own. */
function libraryFolders(root: string): string[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const libraries = files.filter((file) => /\/lib[^/]*\.so(\.[\d.]+)?$/.test(file))
  return [...new Set(libraries.map((file) => join(root, dirname(file))))]
}

/** Where its fonts are: the file that tells it so names folders of an installed package. */
function describeFonts(root: string): string {
  const file = join(root, 'fonts.conf')
  const [fonts, cache] = [join(root, 'usr/share/fonts'), join(root, 'fonts-cache')]
  writeFileSync(file, `<fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir></fontconfig>\n`)
  return file
}

function onPath(name: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
