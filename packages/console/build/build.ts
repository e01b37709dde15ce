import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A file of the page, as a browser gets it. */
export interface ConsoleFile {
  /** Its name beside the others; `index.html` is what every address of the page answers with. */
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
}

const source = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url))

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
}

/** Files that go to the browser as they are. */
const copied = ['index.html', 'icon.svg']

/** Builds the page from its sources; takes about a tenth of a second. */
export async function buildConsole(): Promise<readonly ConsoleFile[]> {
  const { outputFiles } = await build({
    entryPoints: [
      { in: source('main.tsx'), out: 'console' },
      { in: source('style/style.css'), out: 'console' },
    ],
    outdir: '/',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    conditions: ['heliograph'],
    legalComments: 'none',
    logLevel: 'silent',
  })
  const built = outputFiles.map(({ path, contents }) => fileOf(path.slice(1), contents))
  return [...copied.map((name) => fileOf(name, readFileSync(source(name)))), ...built]
}

function fileOf(name: string, bytes: Uint8Array): ConsoleFile {
  const type = types[name.slice(name.lastIndexOf('.') + 1)]
  if (type === undefined) throw new Error(`${name} has no media type: add it to build.ts`)
  return { name, type, bytes }
}
