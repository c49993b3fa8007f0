/**
 * What is loaded only when it is needed (see `load`). It stands in a CommonJS file because there alone
 * every bundler keeps such a dependency in one file with the rest, and still runs it no sooner; and it
 * is JavaScript because vitest runs no CommonJS that is TypeScript.
 */
module.exports = {
  cockatiel: () => require('cockatiel'),
  etcd3: () => require('etcd3'),
  ws: () => require('ws'),
}
