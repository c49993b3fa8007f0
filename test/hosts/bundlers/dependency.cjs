// A dependency of the app that is CommonJS, and uses the package too.
exports.locked = require('locked')
exports.machine = require('locked/machine').electionMachine
