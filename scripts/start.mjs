// `npm start`: runs the demo straight after a clone. Installs the packages and builds when that has
// not been done, or was done for older files. Uses nothing but Node.js itself.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const main = join(root, 'dist', 'src', 'cli', 'main.js')
const sources = ['machines', 'src', 'package.json', 'package-lock.json', 'tsconfig.json']

// The outcome of Node.js's own version check would be a syntax error deep in a package.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`locked needs Node.js 20.19 or newer, and this is ${process.versions.node}.`)
  process.exit(1)
}

if (!isInstalled()) await npm('ci', '--include=dev', '--no-audit', '--no-fund')
if (!isBuilt()) await npm('run', '--silent', 'build')

// In this very process, so that signals, the terminal and the exit code are the demo's own.
process.argv = [process.execPath, main, 'demo', ...process.argv.slice(2)]
await import(pathToFileURL(main).href)

/** Whether node_modules holds the versions that package-lock.json names. */
function isInstalled() {
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (present === undefined) return false
  return Object.entries(readPackages(join(root, 'package-lock.json')) ?? {}).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || (present[path] ? present[path].version === version : optional || devOptional),
  )
}

/** The packages of a lockfile by path, or undefined if there is no such file. */
function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined
}

/** Whether dist is newer than everything it is made from. */
function isBuilt() {
  return existsSync(main) && statSync(main).mtimeMs >= newestMs(sources.map((at) => join(root, at)))
}

/** When the newest of these files, or of the files below them, was last changed. */
function newestMs(paths) {
  return paths
    .filter((path) => existsSync(path))
    .map((path) => {
      const { mtimeMs, isDirectory } = describe(path)
      if (!isDirectory) return mtimeMs
      // A folder's own time tells of files that were removed.
      return Math.max(mtimeMs, newestMs(readdirSync(path).map((name) => join(path, name))))
    })
    .reduce((newest, mtimeMs) => Math.max(newest, mtimeMs), 0)
}

function describe(path) {
  const stats = statSync(path)
  return { mtimeMs: stats.mtimeMs, isDirectory: stats.isDirectory() }
}

/** Runs npm to its end, and ends this process as npm ended if that was not well. */
async function npm(...args) {
  const cli = process.env.npm_execpath
  const [command, ...before] = cli ? [process.execPath, cli] : ['npm']
  const child = spawn(command, [...before, ...args], {
    cwd: root,
    stdio: 'inherit',
    shell: !cli && process.platform === 'win32',
  })
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const status = await new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`npm could not be started: ${error.message}`)
      resolve(1)
    })
    child.on('exit', (code, signal) => resolve(signal ? 130 : code))
  })
  process.off('SIGINT', forward).off('SIGTERM', forward)
  if (status !== 0) process.exit(status)
}
