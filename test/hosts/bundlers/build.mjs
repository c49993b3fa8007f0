// Bundles an app: `node build.mjs BUNDLER FORMAT FOLDER [minified]`, with all that it needs, into
// FOLDER/app.mjs or app.cjs.
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { build as esbuild } from 'esbuild'
import { rollup } from 'rollup'
import { build as vite } from 'vite'
import webpack from 'webpack'

const root = fileURLToPath(new URL('.', import.meta.url))
const entry = `${root}app.mjs`
const [bundler, format, folder, how] = process.argv.slice(2)
const minify = how === 'minified'
const isEsm = format === 'esm'
const file = `app.${isEsm ? 'mjs' : 'cjs'}`

const bundlers = {
  esbuild() {
    const outfile = `${folder}/${file}`
    const platform = 'node'
    return esbuild({ entryPoints: [entry], bundle: true, platform, format, outfile, minify })
  },
  async rollup() {
    const bundle = await rollup({
      input: entry,
      external: [/^node:/, ...builtinModules],
      plugins: [nodeResolve({ exportConditions: ['node'] }), commonjs(), json()],
      // Of what dependencies do.
      onwarn() {},
    })
    await bundle.write({ file: `${folder}/${file}`, format })
  },
  webpack() {
    const settings = {
      mode: 'production',
      optimization: { minimize: false },
      target: 'node20',
      entry,
      experiments: { outputModule: isEsm },
      output: {
        path: folder,
        filename: file,
        module: isEsm,
        chunkFormat: isEsm ? 'module' : 'commonjs',
        library: { type: isEsm ? 'module' : 'commonjs2' },
      },
    }
    return new Promise((resolve, reject) => {
      webpack(settings, (error, stats) => {
        if (error !== null) reject(error)
        else if (stats.hasErrors()) reject(new Error(stats.toString()))
        else resolve()
      })
    })
  },
  async vite() {
    await vite({
      configFile: false,
      logLevel: 'error',
      root,
      ssr: { noExternal: true },
      build: {
        ssr: entry,
        outDir: folder,
        emptyOutDir: false,
        minify,
        rollupOptions: { output: { format, entryFileNames: file } },
      },
    })
  },
}

await bundlers[bundler]()
