import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A `package.json`, as far as packing looks into it. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, Target>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** What a subpath of `exports` leads to, by condition. */
export type Target = string | Readonly<Record<string, string>>

/** The condition under which `exports` gives sources, which no package carries. */
export const sourceCondition = 'heliograph'

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** The manifest without what only the workspace can follow. */
export function packedManifest(manifest: Manifest): Manifest {
  const { scripts, devDependencies, exports, ...kept } = manifest
  const targets = Object.entries(exports ?? {})
    .map(([path, target]) => [path, withoutSources(target)] as const)
    // what only the workspace imports leads nowhere
    .filter(([, target]) => Object.keys(target).length > 0)
  return { ...kept, exports: Object.fromEntries(targets) }
}

function withoutSources(target: Target): Target {
  if (typeof target === 'string') return target
  const { [sourceCondition]: source, ...kept } = target
  return kept
}

const asideName = '.package.workspace.json'

/** Lets npm find the packed manifest, until `restoreManifest`. */
export function replaceManifest(folder: string): void {
  restoreManifest(folder)
  const path = join(folder, 'package.json')
  const packed = packedManifest(readManifest(folder))
  copyFileSync(path, join(folder, asideName))
  writeFileSync(path, `${JSON.stringify(packed, null, 2)}\n`)
}

/** Undoes `replaceManifest`, also one of a run that was ended in between. */
export function restoreManifest(folder: string): void {
  const aside = join(folder, asideName)
  if (existsSync(aside)) renameSync(aside, join(folder, 'package.json'))
}
