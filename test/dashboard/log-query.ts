type Line = Readonly<Record<string, unknown>>

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const counting =
  /filter ispresent\((\w+)\)\n\| stats count\(\*\) as (\w+) by (\w+(?:, \w+)*)\n\| sort \2 desc$/

/**
 * The answer of CloudWatch Logs Insights to the one form of query that the dashboard has: lines with a
 * field, counted by others, most first.
 * @throws for any other query.
 */
export function answer(query: string, lines: readonly Line[]): Table {
  const [, field, count, names] = counting.exec(query) ?? []
  if (!field || !count || !names) throw new Error(`the query is not known here: ${query}`)
  const by = names.split(', ')
  const counted = new Map<string, number>()
  for (const line of lines) {
    if (line[field] === undefined) continue
    const key = JSON.stringify(by.map((name) => String(line[name] ?? '')))
    counted.set(key, (counted.get(key) ?? 0) + 1)
  }
  const rows = [...counted]
    .sort(([a, first], [b, second]) => second - first || a.localeCompare(b))
    .map(([key, number]) => [...(JSON.parse(key) as string[]), String(number)])
  return { columns: [...by, count], rows }
}

/** The log groups that a query of the dashboard reads. */
export function sourcesOf(query: string): string[] {
  return [...query.matchAll(/SOURCE '([^']+)'/g)].map(([, name]) => name ?? '')
}
