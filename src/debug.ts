import { debuglog } from 'node:util'

/** Written to standard error with NODE_DEBUG=locked; otherwise nothing is even formatted. */
export const debug = debuglog('locked')
