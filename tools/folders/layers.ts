import { circles, graphOf } from './graph.ts'
import type { Import } from './imports.ts'

/**
 * The folders from the bottom up. A folder imports only from layers below its own, so every arrow points
 * down and none runs back.
 */
const layers: readonly (readonly string[])[] = [
  ['packages/listener'],
  ['packages/protocol', 'packages/embedded-cloud'],
  ['packages/core', 'packages/device'],
  ['packages/aws', 'packages/machine'],
  ['packages/operator', 'lambdas', 'examples'],
  ['packages/console'],
  ['lib'],
  ['bin'],
  ['tools'],
  ['bench'],
  ['test'],
]

/** A package's tests belong to `test`, and a file beside the folders to none. */
export function folderOf(file: string): string | undefined {
  const [top = '', name, part] = file.split('/')
  if (name === undefined) return undefined
  if (top !== 'packages') return top
  return part === 'test' ? 'test' : `${top}/${name}`
}

/** The folders inside one place. Files beside them are for all of them, and do not count. */
export function roomsOf(place: string): (file: string) => string | undefined {
  return (file) => {
    if (!file.startsWith(`${place}/`)) return undefined
    const [room = '', ...rest] = file.slice(place.length + 1).split('/')
    return rest.length > 0 ? room : undefined
  }
}

/** Places whose folders must not import each other in a circle. */
const places = [
  ...['lib', 'lambdas', 'tools', 'bench', 'test'],
  ...layers
    .flat()
    .filter((name) => name.startsWith('packages/'))
    .map((name) => `${name}/src`),
]

/** What is wrong with these imports, a sentence each. */
export function troubleWith(imports: readonly Import[]): string[] {
  const arrows = imports.flatMap((one) => {
    const [from, to] = [folderOf(one.from), folderOf(one.to)]
    if (from === undefined || to === undefined || from === to) return []
    if (layerOf(to) < layerOf(from)) return []
    return [`${one.from} imports ${one.to}: ${from} is not above ${to} in tools/folders/layers.ts`]
  })
  return [...arrows, ...imports.flatMap(beyondSettings), ...places.flatMap(circleIn(imports))]
}

function layerOf(folder: string): number {
  return layers.findIndex((layer) => layer.includes(folder))
}

/** The stacks take from a function what both sides must agree on, and no code that runs there. */
function beyondSettings({ from, to }: Import): string[] {
  const isSettings = /^lambdas\/(?:[^/]+\/)?settings\.ts$/.test(to)
  if (folderOf(from) !== 'lib' || folderOf(to) !== 'lambdas' || isSettings) return []
  return [`${from} imports ${to}: lib reads only settings.ts of lambdas`]
}

function circleIn(imports: readonly Import[]): (place: string) => string[] {
  return (place) => {
    const found = circles(graphOf(imports, roomsOf(place)))
    return found.length === 0 ? [] : [`folders of ${place} import in a circle: ${found.join(', ')}`]
  }
}
