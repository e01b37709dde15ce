type Line = Readonly<Record<string, unknown>>

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const summing =
  /filter ispresent\((\w+)\)\n\| stats sum\((\w+)\) as (\w+) by (\w+(?:, \w+)*)\n\| sort \3 desc$/

/**
 * The answer of CloudWatch Logs Insights to the one form of query that the dashboard has: lines with a
 * field, another of theirs summed by others, most first.
 * @throws for any other query.
 */
export function answer(query: string, lines: readonly Line[]): Table {
  const [, field, summed, sum, names] = summing.exec(query) ?? []
  if (!field || !summed || !sum || !names) throw new Error(`the query is not known here: ${query}`)
  const by = names.split(', ')
  const sums = new Map<string, number>()
  for (const line of lines) {
    if (line[field] === undefined) continue
    const key = JSON.stringify(by.map((name) => String(line[name] ?? '')))
    sums.set(key, (sums.get(key) ?? 0) + Number(line[summed] ?? 0))
  }
  const rows = [...sums]
    .sort(([a, first], [b, second]) => second - first || a.localeCompare(b))
    .map(([key, number]) => [...(JSON.parse(key) as string[]), String(number)])
  return { columns: [...by, sum], rows }
}

/** The log groups that a query of the dashboard reads. */
export function sourcesOf(query: string): string[] {
  return [...query.matchAll(/SOURCE '([^']+)'/g)].map(([, name]) => name ?? '')
}
