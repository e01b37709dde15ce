import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { packedManifest, readManifest } from '../../tools/packages/manifest.ts'
import { packages } from '../../tools/packages/packages.ts'
import { buildScripts } from '../../tools/packages/scripts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = [
  '.',
  'lib',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`),
]
const manifests = new Map(folders.map((folder) => [folder, readManifest(join(root, folder))]))

test('what is not for others is private', () => {
  const open = [...manifests].filter(([, manifest]) => !manifest.private).map(([folder]) => folder)
  expect(open.sort()).toEqual(packages.map(({ folder }) => folder).sort())
})

test('all manifests mean the same version of a package', () => {
  const wanted = [...manifests.values()].flatMap((manifest) =>
    Object.entries({ ...manifest.devDependencies, ...manifest.dependencies }),
  )
  const byName = new Map<string, Set<string>>()
  for (const [name, version] of wanted)
    byName.set(name, new Set([...(byName.get(name) ?? []), version]))
  expect([...byName].filter(([, found]) => found.size > 1)).toEqual([])
})

describe.each(packages)('$folder as it is packed', (pack) => {
  const { folder } = pack
  const manifest = manifests.get(folder)
  if (!manifest) throw new Error(`${folder} has no manifest`)
  const packed = packedManifest(manifest)

  test('depends on nothing that is not published', () => {
    const hidden = [...manifests.values()].filter((each) => each.private).map(({ name }) => name)
    const wanted = Object.keys({ ...packed.dependencies, ...packed.peerDependencies })
    expect(wanted.filter((name) => hidden.includes(name))).toEqual([])
  })

  test('has a manifest that names everything its scripts load', async () => {
    await buildScripts(pack, manifest, { write: false })
  })

  test('is not built without a package that its manifest leaves out', async () => {
    const empty = { ...manifest, dependencies: {}, devDependencies: {}, peerDependencies: {} }
    await expect(buildScripts(pack, empty, { write: false })).rejects.toThrow(
      'add it to package.json',
    )
  })

  test('leads to what is packed only', () => {
    expect(JSON.stringify(packed.exports)).not.toContain('"heliograph"')
    expect(packed).not.toHaveProperty('devDependencies')
    expect(packed).not.toHaveProperty('scripts')
  })
})
