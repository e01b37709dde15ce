import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { readManifest, sourceCondition, type Target } from './manifest.ts'
import { type PackageBuild, root } from './packages.ts'

/** What the module system of a package makes of an ending. */
const endings = {
  esm: { script: '.js', declaration: '.d.ts' },
  cjs: { script: '.cjs', declaration: '.d.cts' },
} as const

/**
 * Writes declarations beside the package's first script: one file that re-exports what is in
 * `dist/types/`, where all are that it leads to in this repository. (Bundlers of declarations need
 * an interface that TypeScript 7 does not have, or a newer Node.)
 */
export function buildDeclarations(pack: PackageBuild): void {
  const [[name, source] = ['', '']] = Object.entries(pack.entries)
  const dist = join(root, pack.folder, 'dist')
  const emitted = mkdtempSync(join(tmpdir(), 'declarations-'))
  try {
    emit(join(root, pack.folder, source), emitted)
    const { script, declaration } = endings[pack.format]
    const entry = join(pack.folder, source).replace(/\.ts$/, '')
    copyWithImports(entry, { emitted, to: join(dist, 'types'), script, declaration })
    const again = `export * from './types/${posix(entry)}${script}'\n`
    writeFileSync(join(dist, name + declaration), again)
  } finally {
    rmSync(emitted, { recursive: true, force: true })
  }
}

/** Runs the compiler on one file with the settings of the repository. */
function emit(entry: string, outDir: string): void {
  const config = join(outDir, 'tsconfig.json')
  const compilerOptions = {
    rootDir: root,
    outDir,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    typeRoots: [join(root, 'node_modules', '@types')],
    paths: privateSources(),
  }
  const ambient = join(root, 'packages', '*', 'src', '**', '*.d.ts')
  const settings = { extends: join(root, 'tsconfig.json'), files: [entry], include: [ambient] }
  writeFileSync(config, JSON.stringify({ ...settings, compilerOptions }))
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const compiler = join(dirname(manifest), 'bin', 'tsc')
  execFileSync(process.execPath, [compiler, '-p', config], { cwd: root, stdio: 'inherit' })
}

/** Private packages as sources: for what the compiler finds in `node_modules` it writes no declarations. */
function privateSources(): Record<string, string[]> {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  const inside = folders.filter((folder) => readManifest(folder).private)
  const paths = inside.map((folder) => [`${readManifest(folder).name}/*`, [`${folder}/src/*.ts`]])
  return Object.fromEntries(paths)
}

interface Copying {
  readonly emitted: string
  readonly to: string
  readonly script: string
  readonly declaration: string
}

/** Copies the declarations of a module, named by its path from the root, and of all that it imports. */
function copyWithImports(module: string, copying: Copying, copied = new Set<string>()): void {
  if (copied.has(module)) return
  copied.add(module)
  const text = readFileSync(join(copying.emitted, `${module}.d.ts`), 'utf8')
  const rewritten = text.replace(importedModule, (whole, before, specifier, after) => {
    const target = moduleHere(module, specifier)
    if (target === undefined) return whole
    copyWithImports(target, copying, copied)
    return `${before}${relativeTo(module, target)}${copying.script}${after}`
  })
  const path = join(copying.to, module + copying.declaration)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, rewritten)
}

/** As the compiler writes it: `from '…'`, `import '…'` and `import("…")`. */
const importedModule = /(\b(?:from|import)\s*\(?\s*["'])([^"']+)(["'])/g

/** The path from the root, without an ending, of a module of this repository. */
function moduleHere(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(from), specifier).replace(/\.ts$/, '')
  const source = sourceOf(specifier)
  return source?.replace(/\.ts$/, '')
}

function sourceOf(specifier: string): string | undefined {
  const [, part, subpath] = /^@heliograph\/([^/]+)(\/.+)?$/.exec(specifier) ?? []
  if (part === undefined) return undefined
  const folder = join('packages', part)
  const target: Target | undefined = readManifest(join(root, folder)).exports?.[`.${subpath ?? ''}`]
  const source = typeof target === 'string' ? target : target?.[sourceCondition]
  if (source === undefined) throw new Error(`${specifier} is not exported by ${folder}`)
  return join(folder, source)
}

function relativeTo(from: string, target: string): string {
  const path = posix(relative(dirname(from), target))
  return path.startsWith('.') ? path : `./${path}`
}

const posix = (path: string): string => path.split(sep).join('/')
