import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** That one file imports another; both as paths from the root of the repository. */
export interface Import {
  readonly from: string
  readonly to: string
}

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where the code is: all that is not generated or installed. */
const places = ['bin', 'lib', 'lambdas', 'packages', 'examples', 'tools', 'bench', 'test']

/** The workspaces by the names that others import them by, and the folders that hold their sources. */
const packages = new Map(
  ['lib', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)].map(
    (folder) => {
      const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
      return [String(name), folder === 'lib' ? folder : `${folder}/src`]
    },
  ),
)

/** Every import of a file of this repository by another, type imports included. */
export function imports(): Import[] {
  return places.flatMap(sourcesBelow).flatMap((from) =>
    specifiersOf(readFileSync(join(root, from), 'utf8')).flatMap((specifier) => {
      const to = fileOf(specifier, from)
      return to === undefined ? [] : [{ from, to }]
    }),
  )
}

function sourcesBelow(place: string): string[] {
  return readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tsx?|mjs)$/.test(name) && !/(^|\/)(node_modules|dist)\//.test(name))
    .map((name) => join(place, name))
}

/** In the one form that the formatter leaves: single quotes, `from` or `import` in front. */
const statement = /^(?:(?:import|export)\b[^'"]*?\bfrom|import) '([^']+)'|\bimport\('([^']+)'\)/gm

export function specifiersOf(source: string): string[] {
  return [...source.matchAll(statement)].map(([, named, called]) => named ?? called ?? '')
}

function fileOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier))
  for (const [name, folder] of packages)
    if (specifier === name || specifier.startsWith(`${name}/`))
      return `${folder}/${specifier.slice(name.length + 1) || 'index'}.ts`
  return undefined
}
