/**
 * The subset of XML that AWS uses for answers in the Query protocol: elements without relevant
 * attributes.
 */

/**
 * The content of the first element of this name, with entities decoded; undefined if there is none.
 */
export function textOf(xml: string, name: string): string | undefined {
  const [first] = elementsOf(xml, name)
  return first === undefined ? undefined : plain(first)
}

/** The content of each element of this name, which never nests in itself. */
export function elementsOf(xml: string, name: string): string[] {
  const element = new RegExp(`<${name}(?:\\s[^>]*)?>(.*?)</${name}>`, 'gs')
  return [...xml.matchAll(element)].map(([, inside = '']) => inside)
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** Elements inside stay as they are: only text is decoded. */
function plain(text: string): string {
  if (text.includes('<')) return text
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16))
  })
}
