import { memoryServer } from './memory-server.js'
import { describePaths } from './suite.js'

describePaths('MemoryStore', memoryServer, { shortest: 'all' })
