import locked = require('locked')
import machine = require('locked/machine')
import testing = require('locked/testing')

const node: locked.LockedNode = locked('memory:')('/a', { value: 1 })
const error: locked.UnreachableError = new locked.UnreachableError('x')
const base: locked.LockedError = error
const holder: machine.Holder | null = null
const cluster: locked.LockedNode = new testing.MemoryCluster().node('/b', { value: 1 })
// @ts-expect-error: a ttl is a number.
locked('memory:')('/a', { value: 1, ttl: '1' })
// @ts-expect-error: an error is no node.
const wrong: locked.LockedNode = error
export = { base, cluster, error, holder, node, wrong }
