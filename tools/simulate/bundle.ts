import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { Mutation } from './mutations/mutation.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Inside the repository, so that the bundle finds its packages. */
const directory = `${root}node_modules/.cache/heliograph-simulation`

/** The packages of others that the rules and the SDK use. */
const others = [
  '@noble/*',
  '@peculiar/*',
  '@scure/*',
  'mqtt',
  'node-forge',
  'reflect-metadata',
  'ulid',
]

/** Makes a module one file that Node runs as it is, with a bug put in where one is given. */
export async function bundle(module: 'worker' | 'run', mutation?: Mutation): Promise<string> {
  const outfile = `${directory}/${module}-${mutation?.name ?? 'right'}-${process.pid}.mjs`
  await build({
    entryPoints: [`${root}tools/simulate/${module}.ts`],
    outfile,
    bundle: true,
    // our own packages are bundled, so that a bug can be put into them
    external: others,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    plugins: mutation ? [mutate(mutation)] : [],
  })
  return outfile
}

function mutate({ file, find, replace, name }: Mutation): Plugin {
  const path = `${root}${file}`
  return {
    name: 'mutate',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async (module) => {
        if (module.path !== path) return undefined
        const text = await readFile(path, 'utf8')
        if (text.split(find).length !== 2)
          throw new Error(`mutation ${name}: its text does not stand exactly once in ${file}`)
        return { contents: text.replace(find, () => replace), loader: 'ts' }
      })
    },
  }
}
