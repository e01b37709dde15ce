/** What a view keeps in its address; undefined and empty values are left out. */
export type QueryChange = Readonly<Record<string, string | readonly string[] | undefined>>

/** An address of the page: the parts of its path, each one encoded, and a query. */
export function addressOf(parts: readonly string[], query: QueryChange = {}): string {
  return `/${parts.map(encodeURIComponent).join('/')}${searchOf(changed(new URLSearchParams(), query))}`
}

/** The same view with something else chosen. */
export function withQuery(path: string, query: URLSearchParams, change: QueryChange): string {
  return path + searchOf(changed(query, change))
}

function changed(query: URLSearchParams, change: QueryChange): URLSearchParams {
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(change)) {
    next.delete(name)
    for (const one of [value ?? []].flat()) if (one !== '') next.append(name, one)
  }
  return next
}

function searchOf(query: URLSearchParams): string {
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

/** The decoded parts of a path; undefined where it is not well-formed. */
export function partsOf(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}
