import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, buildSync, type Metafile } from 'esbuild'
import { type FunctionCode, type FunctionName, functionNames } from '../lib/functions.ts'
import { Refusal } from './refusal.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Gives CommonJS dependencies the `require` that an ES module does not have. */
const requireShim =
  "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);\n"

/**
 * What replaces the SDK in the functions: its clients on a notification's path, and the search for
 * credentials in those that remain (docs/performance.md has the figures). If the lean clients lack
 * a command, the build fails with esbuild's "no matching export".
 */
export const leanClients = {
  '@aws-sdk/client-dynamodb': './packages/aws/src/lean/client-dynamodb.ts',
  '@aws-sdk/client-iot-data-plane': './packages/aws/src/lean/client-iot-data-plane.ts',
  '@aws-sdk/client-kms': './packages/aws/src/lean/client-kms.ts',
  '@aws-sdk/client-sns': './packages/aws/src/lean/client-sns.ts',
  '@aws-sdk/client-sqs': './packages/aws/src/lean/client-sqs.ts',
  '@aws-sdk/credential-provider-node': './packages/aws/src/environment-credentials.ts',
}

/**
 * One file per function, with the AWS SDK inside: `SendDirectMessage` is younger than the SDK of
 * some Lambda runtimes. There are no source maps, which would carry this machine's paths and so
 * give every machine its own asset hash.
 */
const options = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  // Not Lambda's Node 24: the same files also run in the embedded cloud, on Node 20.
  target: 'node20',
  mainFields: ['module', 'main'],
  // `module` is esbuild's own only while none is named: without it the SDK is CommonJS, and 168 kB more
  conditions: ['heliograph', 'module'],
  outExtension: { '.js': '.mjs' },
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
  metafile: true,
} as const satisfies BuildOptions

/**
 * Bundles every function in one esbuild run, so that the SDK is read once and not for every
 * function.
 *
 * @param directory Gets one folder per function, each with `index.mjs`.
 * @param alias Modules that take the place of others; benchmarks compare with the SDK's own.
 */
export function bundleFunctions(
  directory: string,
  alias: Readonly<Record<string, string>> = leanClients,
): FunctionCode {
  const outdir = resolve(directory)
  const entryPoints = functionNames.map((name) => ({ in: `lambdas/${name}/index.ts`, out: name }))
  const { outputFiles, metafile } = build({ entryPoints, outdir, alias: { ...alias } })
  const shimmed = outputsThatRequire(metafile)
  const folder = (name: FunctionName) => join(outdir, name)
  for (const name of functionNames) {
    const bundle = outputFiles.find((file) => file.path === `${folder(name)}.mjs`)
    if (!bundle) throw new Error(`esbuild made no bundle of lambdas/${name}`)
    mkdirSync(folder(name), { recursive: true })
    const shim = shimmed.has(name) ? requireShim : ''
    writeFileSync(join(folder(name), 'index.mjs'), shim + bundle.text)
  }
  return folder
}

function build(asked: Pick<BuildOptions, 'entryPoints' | 'outdir' | 'alias'>) {
  try {
    return buildSync({ ...options, ...asked })
  } catch (error) {
    throw new Refusal(`the functions cannot be bundled. ${(error as Error).message}`)
  }
}

/** Functions with a dependency that calls `require` for what only Node has, such as `util`. */
function outputsThatRequire(metafile: Metafile): Set<string> {
  const entries = Object.entries(metafile.outputs)
  const requiring = entries.filter(([, output]) =>
    output.imports.some(({ kind, external }) => external && kind === 'require-call'),
  )
  return new Set(requiring.map(([path]) => path.replace(/^.*\/|\.mjs$/g, '')))
}
