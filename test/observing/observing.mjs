// Observes, and does nothing else, until its standard input ends.
import locked from 'locked'

const [hosts, path, prefix] = process.argv.slice(2)
const locker = locked(hosts)
const observer = locker.observe(path, { prefix: prefix === 'prefix' })
observer.on('known', () => process.stdout.write('known\n'))
process.stdin.once('end', () => void locker.close()).resume()
// Only what observes keeps this process.
process.stdin.unref()
