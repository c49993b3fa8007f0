import { KITS } from '../testing/kits.js'
import { describeKits } from './kits.js'
import { memoryServer } from './memory-server.js'

describeKits('MemoryStore', memoryServer, KITS)
