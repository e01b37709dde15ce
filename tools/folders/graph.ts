import type { Import } from './imports.ts'

/** What each folder imports, by name; every folder is in it. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** @param folderOf the folder of a file; none where the file does not count. */
export function graphOf(
  imports: readonly Import[],
  folderOf: (file: string) => string | undefined,
): Graph {
  const graph = new Map<string, Set<string>>()
  const folder = (name: string) => graph.get(name) ?? graph.set(name, new Set()).get(name)
  for (const { from, to } of imports) {
    const [importer, imported] = [folderOf(from), folderOf(to)]
    if (importer === undefined || imported === undefined) continue
    folder(imported)
    if (importer !== imported) folder(importer)?.add(imported)
  }
  return graph
}

/** The folders that are in a circle, or between two. */
export function circles(graph: Graph): string[] {
  const left = new Set(graph.keys())
  const isEnd = (name: string, arrows: Graph) =>
    ![...(arrows.get(name) ?? [])].some((other) => left.has(other))
  const back = reversed(graph)
  for (let size = -1; size !== left.size; ) {
    size = left.size
    for (const name of left) if (isEnd(name, graph) || isEnd(name, back)) left.delete(name)
  }
  return [...left].sort()
}

function reversed(graph: Graph): Graph {
  const back = new Map([...graph.keys()].map((name) => [name, new Set<string>()]))
  for (const [name, others] of graph) for (const other of others) back.get(other)?.add(name)
  return back
}

/** The arrows that are left when every arrow goes that a longer way makes up for; for graphs without circles. */
export function reduced(graph: Graph): Graph {
  const isReached = (from: string, to: string): boolean =>
    from === to || [...(graph.get(from) ?? [])].some((next) => isReached(next, to))
  return new Map(
    [...graph].map(([name, others]) => {
      const needed = [...others].filter(
        (to) => ![...others].some((other) => other !== to && isReached(other, to)),
      )
      return [name, new Set(needed)]
    }),
  )
}
