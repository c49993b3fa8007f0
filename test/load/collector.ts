import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Whatever collects all garbage, though Node.js was started without a flag for it. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
