// `npm run docs` writes the API reference into docs/api/, from the doc comments. With --check it writes
// nothing. Both fail when something public has no doc comment, or a link in one leads nowhere.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, Converter, ReferenceType } from 'typedoc'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** What is imported, and where it comes from. */
const modules = {
  locked: 'src/index.ts',
  'locked/machine': 'machines/election.ts',
  'locked/testing': 'src/testing/index.ts',
}

const app = await Application.bootstrap({
  name: 'locked',
  entryPoints: Object.values(modules).map((file) => join(root, file)),
  tsconfig: join(root, 'tsconfig.json'),
  out: join(root, 'docs', 'api'),
  readme: 'none',
  disableSources: true,
  excludePrivate: true,
  excludeExternals: true,
  requiredToBeDocumented: [
    'Class',
    'Interface',
    'TypeAlias',
    'Function',
    'Variable',
    'Method',
    'Accessor',
  ],
  validation: { notExported: false, invalidLink: true, notDocumented: true },
})

app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.children ?? []) {
    const imported = Object.entries(modules).find(([, file]) => file.startsWith(module.name))
    module.name = imported?.[0] ?? module.name
  }
})

// A statechart's inferred type repeats the whole chart, which is better read as a chart.
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const reflection of Object.values(project.reflections)) {
    const { type } = reflection
    if (!(type instanceof ReferenceType) || type.name !== 'StateMachine') continue
    for (const argument of type.typeArguments ?? []) project.removeTypeReflections(argument)
    type.typeArguments = undefined
  }
})

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
if (!process.argv.includes('--check')) await app.generateOutputs(project)
