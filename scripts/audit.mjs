// `npm run audit`: looks at the known advisories for all packages of the lockfile. Exits with 1 when one
// is of severity high or critical. Where the registry tells of no advisories, says so, and exits with 0:
// nothing has been looked at then.
import { spawnSync } from 'node:child_process'

const GRAVE = ['high', 'critical']

const { stdout, error } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8' })
if (error) throw error
const report = JSON.parse(stdout)
if (report.metadata === undefined) {
  console.log(`NOT LOOKED AT: the registry tells of no advisories (${report.message ?? stdout})`)
} else {
  const { vulnerabilities: counts, dependencies } = report.metadata
  console.log(`${counts.total} advisories for ${dependencies.total} packages`)
  for (const { name, severity, range, via } of Object.values(report.vulnerabilities)) {
    const why = via.map((one) => (typeof one === 'string' ? one : `${one.title} (${one.url})`))
    console.log(`${severity}: ${name} ${range}: ${why.join(', ')}`)
    if (GRAVE.includes(severity)) process.exitCode = 1
  }
}
