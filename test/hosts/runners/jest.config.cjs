module.exports = {
  rootDir: __dirname,
  testMatch: ['<rootDir>/jest/*.test.{cjs,mjs}'],
  watchman: false,
}
