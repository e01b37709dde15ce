import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../failure.ts'
import type { PageFile } from './http/pages.ts'

/** Where the packed command has the page: beside its scripts. */
const packed = new URL('./console/', import.meta.url)

/** What makes the page in a checkout. Its name is not written where it is imported: the package does without it. */
const builder = new URL('../../../console/build/build.ts', import.meta.url)

/** The page's files: those that are packed with the command, or in a checkout those that its sources give now. */
export async function pageFiles(): Promise<readonly PageFile[]> {
  if (existsSync(new URL('index.html', packed))) return filesBelow(fileURLToPath(packed))
  if (!existsSync(builder))
    throw new Failure('failed', 'the page of the console is missing: install heliograph again')
  const { buildConsole } = (await import(builder.href)) as {
    buildConsole(): Promise<readonly PageFile[]>
  }
  return buildConsole()
}

async function filesBelow(folder: string): Promise<PageFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}${sep}${entry.name}`)
  return Promise.all(
    paths.map(async (path) => ({
      name: relative(folder, path).split(sep).join('/'),
      bytes: await readFile(path),
    })),
  )
}
