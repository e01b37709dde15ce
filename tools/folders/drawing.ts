import { type Graph, graphOf, reduced } from './graph.ts'
import type { Import } from './imports.ts'
import { folderOf, roomsOf } from './layers.ts'

const published: Readonly<Record<string, string>> = {
  lib: '@heliograph/cdk',
  'packages/operator': 'heliograph',
  'packages/device': '@heliograph/device',
  'packages/embedded-cloud': '@heliograph/embedded-cloud',
}

/** What an arrow stands for where it is not just any import. */
const labels: Readonly<Record<string, string>> = { 'lib lambdas': 'settings.ts only' }

/** Two drawings in Mermaid: the folders of the repository, and those of core. */
export function drawings(imports: readonly Import[]): Readonly<Record<'folders' | 'core', string>> {
  return {
    folders: drawingOf(graphOf(imports, folderOf), (name) =>
      name in published ? `${name}<br/>${published[name]}` : name,
    ),
    core: drawingOf(graphOf(imports, roomsOf('packages/core/src')), (name) => `${name}/`),
  }
}

function drawingOf(graph: Graph, labelOf: (name: string) => string): string {
  const id = (name: string) => name.replace(/^packages\//, '').replace('-', '_')
  const names = [...graph.keys()].sort()
  const nodes = names.map((name) => `  ${id(name)}["${labelOf(name)}"]`)
  const arrows = reduced(graph)
  const lines = names.flatMap((name) =>
    [...(arrows.get(name) ?? [])].sort().map((other) => {
      const label = labels[`${name} ${other}`]
      return `  ${id(name)} ${label ? `-- "${label}" --> ` : '--> '}${id(other)}`
    }),
  )
  return ['```mermaid', 'flowchart TD', ...nodes, ...lines, '```'].join('\n')
}

/** The page with the drawings in their places. */
export function withDrawings(page: string, imports: readonly Import[]): string {
  return Object.entries(drawings(imports)).reduce((text, [name, drawing]) => {
    const place = new RegExp(`(<!-- drawing of ${name} -->\n)[^]*?(\n<!-- end -->)`)
    if (!place.test(text)) throw new Error(`the page has no place for the drawing of ${name}`)
    return text.replace(place, `$1${drawing}$2`)
  }, page)
}
