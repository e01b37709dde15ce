import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildConsole } from '@heliograph/console/build'
import { bundleFunctions } from '../../bin/bundle.ts'
import { readManifest } from './manifest.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** How a package that others install is built. */
export interface PackageBuild {
  /** From the root of the repository. */
  readonly folder: string
  /** Source by the name that it has in `dist/`; the first one's types are the package's. */
  readonly entries: Readonly<Record<string, string>>
  /** CommonJS where the apps that load it may be so; ES modules can import it as well. */
  readonly format: 'esm' | 'cjs'
  /** Files that go into `dist/` unchanged. */
  readonly copied?: readonly string[]
  /** Puts more into `dist/`. */
  make?(dist: string): unknown
}

/** The packages for others. */
export const packages: readonly PackageBuild[] = [
  { folder: 'packages/device', entries: { index: 'src/index.ts' }, format: 'esm' },
  {
    folder: 'lib',
    entries: { index: 'index.ts' },
    // `cdk init` makes apps of CommonJS
    format: 'cjs',
    make: (dist) => void bundleFunctions(join(dist, 'functions')),
  },
  {
    folder: 'packages/operator',
    entries: { main: 'src/main.ts', heliograph: 'src/heliograph.ts' },
    format: 'esm',
    make: (dist) => makePage(join(dist, 'console')),
  },
  {
    folder: 'packages/embedded-cloud',
    entries: { index: 'src/index.ts', command: 'src/command.ts' },
    format: 'esm',
    copied: ['src/functions/environment.mjs'],
  },
]

/** Writes the page of `heliograph console`, which looks for it in this folder. */
async function makePage(folder: string): Promise<void> {
  mkdirSync(folder)
  for (const { name, bytes } of await buildConsole()) writeFileSync(join(folder, name), bytes)
}

/** Names of the packages that are not for others: what is built of them goes into those that are. */
export function unpublished(): ReadonlySet<string> {
  const manifests = readdirSync(join(root, 'packages')).map((name) =>
    readManifest(join(root, 'packages', name)),
  )
  return new Set(manifests.filter((manifest) => manifest.private).map(({ name }) => name))
}
