/**
 * Builds the package in whose folder it is started, into `dist/`; npm does so before it packs or
 * publishes. With `--pack` it also puts the packed manifest in place, with `--restore` it only takes
 * that away again.
 */
import { copyFileSync, rmSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { buildDeclarations } from './declarations.ts'
import { readManifest, replaceManifest, restoreManifest } from './manifest.ts'
import { type PackageBuild, packages, root } from './packages.ts'
import { buildScripts } from './scripts.ts'

async function build(pack: PackageBuild): Promise<void> {
  const folder = join(root, pack.folder)
  const dist = join(folder, 'dist')
  rmSync(dist, { recursive: true, force: true })
  await buildScripts(pack, readManifest(folder))
  buildDeclarations(pack)
  for (const file of pack.copied ?? []) copyFileSync(join(folder, file), join(dist, basename(file)))
  await pack.make?.(dist)
}

const { values } = parseArgs({
  options: { pack: { type: 'boolean' }, restore: { type: 'boolean' } },
})
const folder = process.cwd()
const here = relative(root, folder).split(sep).join('/')
const pack = packages.find((each) => each.folder === here)
if (!pack) throw new Error(`${here} is no package for others: see tools/packages/packages.ts`)
restoreManifest(folder)
if (!values.restore) await build(pack)
if (values.pack) replaceManifest(folder)
