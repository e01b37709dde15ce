import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'

/**
 * The assembly of a version that was released, in one file: manifest, templates, and the functions' bundles as they
 * were. `npx tsx test/upgrade/pack.ts <cdk.out>` writes it anew for a release.
 */
export const releasedFile = fileURLToPath(new URL('./released.json.br', import.meta.url))

/** Text by its path in the assembly. */
type Files = Readonly<Record<string, string>>

/** Stacks that watch and keep nothing are left out. */
const wanted = /-(State|Providers|Devices)\.(template|assets)\.json$/

/** Reads an assembly that `cdk synth` wrote, without what only describes it. */
export function packAssembly(folder: string): Buffer {
  const read = (path: string) => readFileSync(join(folder, path), 'utf8')
  const names = readdirSync(folder)
  const bundles = names.filter((name) => name.startsWith('asset.'))
  const files: Files = {
    'manifest.json': JSON.stringify(plain(JSON.parse(read('manifest.json')))),
    ...Object.fromEntries(
      names.filter((name) => wanted.test(name)).map((name) => [name, compact(read(name))]),
    ),
    ...Object.fromEntries(
      bundles.map((name) => [`${name}/index.mjs`, read(join(name, 'index.mjs'))]),
    ),
  }
  return brotliCompressSync(JSON.stringify(files))
}

/** Writes the released assembly into a folder, where it can be deployed from. */
export function unpackAssembly(folder: string): void {
  const files = JSON.parse(brotliDecompressSync(readFileSync(releasedFile)).toString()) as Files
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

interface Manifest {
  readonly version: string
  readonly artifacts: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

function plain({ version, artifacts }: Manifest): Manifest {
  const kept = Object.entries(artifacts).filter(([id]) =>
    wanted.test(`${id.replace(/\.assets$/, '')}.template.json`),
  )
  return {
    version,
    artifacts: Object.fromEntries(kept.map(([id, { metadata: _, ...rest }]) => [id, rest])),
  }
}

function compact(text: string): string {
  const document = JSON.parse(text) as { Resources?: Record<string, { Metadata?: unknown }> }
  for (const resource of Object.values(document.Resources ?? {})) delete resource.Metadata
  return JSON.stringify(document)
}
