import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

test('the README quotes the example of an app’s test word for word', async () => {
  const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
  const example = (await read('test/testing/app-example.test.ts'))
    .replace("'../../src/index.js'", "'locked'")
    .replace("'../../src/testing/index.js'", "'locked/testing'")
  expect(await read('README.md')).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
})
