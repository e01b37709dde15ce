import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type BuildFailure, type BuildOptions, build, type Plugin } from 'esbuild'
import { type Manifest, sourceCondition } from './manifest.ts'
import { type PackageBuild, root, unpublished } from './packages.ts'

/** `import.meta.url` for CommonJS, which has no `import.meta`. */
const moduleUrl = "const moduleUrl=require('node:url').pathToFileURL(__filename).href;"

/**
 * Builds the package's JavaScript. What the manifest lists as a dependency stays outside, packages of
 * this repository that are not published go in, and anything else ends the build. Without `write` it
 * only finds out whether it could.
 */
export async function buildScripts(
  pack: PackageBuild,
  manifest: Manifest,
  options: { readonly write: boolean } = { write: true },
): Promise<void> {
  const folder = join(root, pack.folder)
  const inputs = Object.entries(pack.entries).map(([out, source]) => ({
    in: join(folder, source),
    out,
  }))
  await bundle({
    absWorkingDir: folder,
    entryPoints: inputs,
    outdir: 'dist',
    bundle: true,
    write: options.write,
    platform: 'node',
    target: 'node20',
    format: pack.format,
    conditions: [sourceCondition],
    chunkNames: 'chunk-[hash]',
    // paths in the map are relative, so that no machine shows in it
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [dependencies(manifest)],
    ...(pack.format === 'esm' ? { splitting: true } : commonJs),
  })
}

/** Ends with each fault once, however many files have it. */
async function bundle(options: BuildOptions): Promise<void> {
  try {
    await build(options)
  } catch (failure) {
    const texts = new Set((failure as BuildFailure).errors.map(({ text }) => text))
    throw new Error([...texts].join('\n'))
  }
}

const commonJs = {
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: moduleUrl },
} as const

function dependencies({ name, ...manifest }: Manifest): Plugin {
  const inside = unpublished()
  const outside = { ...manifest.dependencies, ...manifest.peerDependencies }
  return {
    name: 'dependencies',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
        const wanted = packageOf(path)
        if (kind === 'entry-point') return undefined
        if (isBuiltin(path) || wanted in outside) return { path, external: true }
        // knip holds each package of this repository to its own manifest
        if (wanted in (manifest.devDependencies ?? {}) || inside.has(wanted)) return undefined
        return {
          errors: [{ text: `${path} is not a dependency of ${name}: add it to package.json` }],
        }
      })
    },
  }
}

/** `@scope/name` or `name` of a module's name. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
