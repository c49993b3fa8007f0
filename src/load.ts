import dependencies from './dependencies.cjs'

type Name = keyof typeof dependencies
type Loaded<Of extends Name> = ReturnType<(typeof dependencies)[Of]>

/**
 * Loads a dependency that importing `locked` must not load. What a bundler has made of it may fail: it
 * may need a file that was left behind, or a way to load what belongs to Node.js that ES modules do not
 * have. Then the one that is installed where the bundle runs is taken, if there is one.
 *
 * @throws what loading it as it was bundled throws (as a rejection), when neither can be loaded.
 */
export async function load<Of extends Name>(name: Of): Promise<Loaded<Of>>
export async function load(name: Name): Promise<unknown> {
  try {
    return dependencies[name]()
  } catch (thrown) {
    try {
      // What no bundler is to look for.
      const { default: installed } = await import(/* webpackIgnore: true */ /* @vite-ignore */ name)
      return installed
    } catch {
      throw thrown
    }
  }
}
