import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

const lines = (count: number) => Array.from({ length: count }, (_, n) => `  log(${n})`).join('\n')
const branches = (count: number) =>
  Array.from({ length: count }, (_, n) => `  if (a === ${n}) return ${n + 1}`).join('\n')

/** Files that break one rule each: the path, the code, and the rule. */
const broken: readonly (readonly [path: string, code: string, rule: string])[] = [
  ['packages/core/src/clock.ts', 'export const a = Date.now()', 'plugin'],
  ['packages/core/src/moment.ts', 'export const a = new Date()', 'plugin'],
  ['packages/core/src/day.ts', 'export const a = Date()', 'plugin'],
  ['packages/core/src/stopwatch.ts', 'export const a = performance.now()', 'plugin'],
  ['packages/core/src/dice.ts', 'export const a = Math.random()', 'plugin'],
  [
    'packages/core/src/bytes.ts',
    "import { randomBytes } from 'node:crypto'\nexport const a = randomBytes(1)",
    'plugin',
  ],
  ['packages/core/src/uuid.ts', 'export const a = crypto.randomUUID()', 'plugin'],
  ['packages/core/src/variable.ts', 'export const a = process.env.X', 'plugin'],
  ['packages/core/src/world.ts', 'export const a = globalThis.process', 'plugin'],
  ['packages/protocol/src/timer.ts', 'setTimeout(() => {}, 1)', 'plugin'],
  ['packages/core/src/web.ts', "export const a = fetch('https://example.com')", 'plugin'],
  [
    'packages/core/src/file.ts',
    "import { readFileSync } from 'node:fs'\nexport const a = readFileSync",
    'plugin',
  ],
  ['packages/core/src/re-export.ts', "export { readFile } from 'node:fs/promises'", 'plugin'],
  ['packages/core/src/later.ts', "export const a = import('node:os')", 'plugin'],
  [
    'packages/core/src/sdk.ts',
    "import { IoTClient } from '@aws-sdk/client-iot'\nexport const a = IoTClient",
    'lint/correctness/noUndeclaredDependencies',
  ],
  [
    'packages/core/src/upward.ts',
    "import { table } from '@heliograph/aws/table'\nexport const a = table",
    'lint/correctness/noUndeclaredDependencies',
  ],
  [
    'packages/aws/src/forge.ts',
    "import forge from 'node-forge'\nexport const a = forge",
    'lint/style/noRestrictedImports',
  ],
  [
    'packages/core/src/x509.ts',
    "import * as x509 from '@peculiar/x509'\nexport const a = x509",
    'lint/style/noRestrictedImports',
  ],
  [
    'packages/core/src/one.ts',
    "import type { Other } from './other.ts'\nexport type One = Other",
    'lint/suspicious/noImportCycles',
  ],
  [
    'packages/core/src/other.ts',
    "import type { One } from './one.ts'\nexport type Other = One",
    'lint/suspicious/noImportCycles',
  ],
  ['lib/any.ts', 'export const a = (b: any) => b', 'lint/suspicious/noExplicitAny'],
  [
    'lib/long.ts',
    `export function long(log: (n: number) => void) {\n${lines(61)}\n}`,
    'lint/complexity/noExcessiveLinesPerFunction',
  ],
  [
    'lib/tangled.ts',
    `export function tangled(a: number) {\n${branches(16)}\n  return 0\n}`,
    'lint/complexity/noExcessiveCognitiveComplexity',
  ],
  [
    'lib/unused.ts',
    "import { join } from 'node:path'\nexport {}",
    'lint/correctness/noUnusedImports',
  ],
  ['lib/idle.ts', 'const idle = 1\nexport {}', 'lint/correctness/noUnusedVariables'],
  [
    'lib/only-a-type.ts',
    "import { Stack } from 'aws-cdk-lib'\nexport type A = Stack",
    'lint/style/useImportType',
  ],
  [
    'lib/bare.ts',
    "import { join } from 'path'\nexport const a = join",
    'lint/style/useNodejsImportProtocol',
  ],
]

/** Files that keep the rules, close to where others break them. */
const sound: readonly (readonly [path: string, code: string])[] = [
  ['packages/core/src/given.ts', 'export const a = (now: number) => new Date(now)'],
  ['packages/core/src/hash.ts', "import { hash } from 'node:crypto'\nexport const a = hash"],
  ['packages/aws/src/now.ts', 'export const a = Date.now()'],
  ['packages/operator/src/x509/forge.ts', "import forge from 'node-forge'\nexport const a = forge"],
  ['lib/sixty.ts', `export function sixty(log: (n: number) => void) {\n${lines(57)}\n}`],
  ['tools/long.ts', `export function long(log: (n: number) => void) {\n${lines(61)}\n}`],
]

let folder: string
let found: Map<string, string[]>

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rules-'))
  for (const name of ['biome.json', 'tools/rules', 'package.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  for (const name of ['core', 'protocol', 'aws', 'operator']) {
    const manifest = `packages/${name}/package.json`
    cpSync(join(root, manifest), join(folder, manifest))
  }
  for (const [path, code] of [...broken, ...sound]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `${code}\n`)
  }
  spawnSync('git', ['init', '-q'], { cwd: folder })
  const { stdout } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['lint', '--error-on-warnings', '--reporter=json', '--max-diagnostics=200', '.'],
    { cwd: folder, encoding: 'utf8' },
  )
  found = rulesByFile(stdout)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function rulesByFile(report: string): Map<string, string[]> {
  const { diagnostics } = JSON.parse(report) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[]
  }
  const rules = new Map<string, string[]>()
  for (const { category, location } of diagnostics) {
    const path = typeof location.path === 'string' ? location.path : location.path.file
    rules.set(path, [...(rules.get(path) ?? []), category])
  }
  return rules
}

describe('the linter refuses', () => {
  test.each(broken)('%s', (path, _code, rule) => {
    expect(found.get(path)).toContain(rule)
  })
})

describe('the linter takes', () => {
  test.each(sound)('%s', (path) => {
    expect(found.get(path)).toBeUndefined()
  })
})

describe('knip', () => {
  /** What is unused or undeclared: `kind file name`. */
  let unfit: string[]

  beforeAll(() => {
    const tree = mkdtempSync(join(tmpdir(), 'knip-'))
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(tree, path)), { recursive: true })
      writeFileSync(join(tree, path), text)
    }
    const manifest = (fields: object) => JSON.stringify({ type: 'module', ...fields })
    cpSync(join(root, 'knip.jsonc'), join(tree, 'knip.jsonc'))
    write(
      'package.json',
      manifest({
        ...{ name: 'all', workspaces: ['lib', 'packages/*'] },
        dependencies: { '@heliograph/core': '0.1.0' },
      }),
    )
    write('lib/package.json', manifest({ name: '@heliograph/cdk' }))
    write(
      'packages/core/package.json',
      manifest({
        ...{ name: '@heliograph/core', exports: { './used': './src/used.ts' } },
        dependencies: { declared: '1.0.0', idle: '1.0.0' },
      }),
    )
    write('bin/app.ts', "import { used } from '@heliograph/core/used'\nused()\n")
    write(
      'packages/core/src/used.ts',
      [
        "import { one } from 'declared'",
        "import { two } from 'phantom'",
        'export const used = () => one + two',
        'export const dead = 1',
        'export interface Dead {}',
      ].join('\n'),
    )
    write('packages/core/src/orphan.ts', 'export const orphan = 1\n')
    const knip = join(root, 'node_modules/.bin/knip')
    const { stdout } = spawnSync(knip, ['--reporter', 'json'], { cwd: tree, encoding: 'utf8' })
    unfit = issuesIn(stdout)
    rmSync(tree, { recursive: true, force: true })
  })

  test('refuses what nothing uses, and what no manifest declares', () => {
    expect(unfit).toEqual([
      'dependencies packages/core/package.json idle',
      'exports packages/core/src/used.ts dead',
      'files packages/core/src/orphan.ts packages/core/src/orphan.ts',
      'types packages/core/src/used.ts Dead',
      'unlisted packages/core/src/used.ts phantom',
    ])
  })
})

function issuesIn(report: string): string[] {
  const { issues } = JSON.parse(report) as {
    issues: ({ file: string } & Record<string, unknown>)[]
  }
  const lines = issues.flatMap(({ file, ...kinds }) =>
    Object.entries(kinds).flatMap(([kind, found]) =>
      (found as { name: string }[]).map(({ name }) => `${kind} ${file} ${name}`),
    ),
  )
  return lines.sort()
}
