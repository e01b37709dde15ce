import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { drawings, withDrawings } from '../../tools/folders/drawing.ts'
import { circles, graphOf, reduced } from '../../tools/folders/graph.ts'
import { type Import, imports, root, specifiersOf } from '../../tools/folders/imports.ts'
import { folderOf, troubleWith } from '../../tools/folders/layers.ts'

const all = imports()
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const arrow = (from: string, to: string): Import => ({ from, to })

describe('the folders of this repository', () => {
  test('import one way, without a circle', () => expect(troubleWith(all)).toEqual([]))

  test('are in docs/architecture.md as they are', () => {
    const page = read('docs/architecture.md')
    expect(page).toBe(withDrawings(page, all))
  })

  test('have a row each in CONTRIBUTING.md that names what they import', () => {
    const graph = graphOf(all, folderOf)
    const rows = importsByTable(read('CONTRIBUTING.md'))
    expect([...rows.keys()].sort()).toEqual([...graph.keys()].sort())
    const unnamed = [...rows].flatMap(([folder, named]) =>
      named ? [...(graph.get(folder) ?? [])].filter((other) => !named.includes(other)) : [],
    )
    expect(unnamed).toEqual([])
  })
})

/** What is loaded where `file` is, and itself. */
function loadedWith(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known
  known.add(file)
  for (const { from, to } of all) if (from === file) loadedWith(to, known)
  return known
}

describe('heliograph serve', () => {
  const files = [...loadedWith('packages/operator/src/serve/run.ts')]

  test('loads nothing of AWS', () => {
    const foreign = files.flatMap((file) =>
      specifiersOf(read(file)).filter((name) => /^(@aws|@smithy|aws-|@heliograph\/aws)/.test(name)),
    )
    expect(foreign).toEqual([])
    expect(files.filter((file) => folderOf(file) === 'packages/aws')).toEqual([])
  })

  test('is all that was looked at for it', () => {
    for (const file of [
      'machine/src/machine.ts',
      'core/src/send/accept.ts',
      'operator/src/x509/pkcs12.ts',
    ])
      expect(files).toContain(`packages/${file}`)
    const { dependencies } = JSON.parse(read('packages/machine/package.json')) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    expect(Object.keys(dependencies).filter((name) => /aws/.test(name))).toEqual([])
  })
})

/** Folders by the table of CONTRIBUTING.md; undefined for one that may import any. */
function importsByTable(page: string): Map<string, string[] | undefined> {
  const rows = page.matchAll(/^\| `([a-z/-]+?)\/?` \| .* \| (.*?) ?\|$/gm)
  return new Map([...rows].map(([, folder = '', cell = '']) => [folder, named(cell)]))
}

function named(cell: string): string[] | undefined {
  if (cell === '' || cell.startsWith('any')) return undefined
  if (cell.startsWith('none')) return []
  const names = cell.replaceAll('`', '').split(', ')
  return names.map((name) => (name.startsWith('lambdas/') ? 'lambdas' : `packages/${name}`)).sort()
}

describe('imports', () => {
  test('are found in every form, with their types', () => {
    const source = [
      "import 'one'",
      "import { a } from 'two'",
      "import type {\n  b,\n} from 'three'",
      "export * from 'four'",
      "const c = await import('five')",
      "// import { d } from 'six'",
      "const text = 'seven'",
    ].join('\n')
    expect(specifiersOf(source)).toEqual(['one', 'two', 'three', 'four', 'five'])
  })

  test('are many, and of each package by others', () => {
    expect(all.length).toBeGreaterThan(2_000)
    expect(all).toContainEqual(
      arrow('lambdas/accept/handler.ts', 'packages/core/src/send/accept.ts'),
    )
    expect(all).toContainEqual(arrow('bin/app.ts', 'lib/heliograph.ts'))
  })
})

describe('trouble', () => {
  test.each([
    ['that runs back', 'packages/core/src/x.ts', 'packages/aws/src/x.ts'],
    ['from below', 'packages/protocol/src/x.ts', 'packages/core/src/x.ts'],
    ['between folders of a layer', 'packages/aws/src/x.ts', 'packages/machine/src/x.ts'],
    ['of the embedded cloud', 'packages/embedded-cloud/src/x.ts', 'packages/protocol/src/x.ts'],
    ['of a tool', 'lib/x.ts', 'tools/x/y.ts'],
    ['of a folder that has no layer', 'packages/new/src/x.ts', 'packages/core/src/x.ts'],
    ['of a function’s code by a stack', 'lib/x.ts', 'lambdas/accept/handler.ts'],
  ])('is an import %s', (_what, from, to) => {
    expect(troubleWith([arrow(from, to)])).toEqual([
      expect.stringContaining(`${from} imports ${to}`),
    ])
  })

  test.each([
    ['down', 'packages/aws/src/x.ts', 'packages/protocol/src/x.ts'],
    ['of settings by a stack', 'lib/x.ts', 'lambdas/accept/settings.ts'],
    ['within a folder', 'packages/core/src/send/x.ts', 'packages/core/src/ports.ts'],
    ['by the tests of a package', 'packages/protocol/test/x.ts', 'tools/x/y.ts'],
  ])('is no import %s', (_what, from, to) => {
    expect(troubleWith([arrow(from, to)])).toEqual([])
  })

  test('is a circle inside a package, with those in it and no others', () => {
    const room = (name: string) => `packages/core/src/${name}/x.ts`
    const circle = [arrow(room('send'), room('trust')), arrow(room('trust'), room('send'))]
    const more = [arrow(room('devices'), room('send')), arrow(room('trust'), room('token'))]
    expect(troubleWith([...circle, ...more])).toEqual([
      'folders of packages/core/src import in a circle: send, trust',
    ])
    expect(troubleWith(more)).toEqual([])
  })
})

describe('a drawing', () => {
  test('leaves out an arrow where a longer way leads to the same folder', () => {
    const graph = graphOf([arrow('c/x', 'b/x'), arrow('b/x', 'a/x'), arrow('c/x', 'a/x')], folderOf)
    expect(circles(graph)).toEqual([])
    expect(reduced(graph)).toEqual(
      new Map([
        ['c', new Set(['b'])],
        ['b', new Set(['a'])],
        ['a', new Set()],
      ]),
    )
  })

  test('changes with an import between two folders', () => {
    const one = arrow('packages/device/src/x.ts', 'packages/core/src/x.ts')
    expect(drawings([...all, one]).folders).not.toBe(drawings(all).folders)
    expect(drawings([...all, arrow('bin/x.ts', 'bin/y.ts')])).toEqual(drawings(all))
  })
})
