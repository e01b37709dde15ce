/** As much of XML as answers of AWS in the Query protocol are made of: elements without attributes that matter. */

/** What is in the first element of this name, its entities read; undefined if there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const [first] = elementsOf(xml, name)
  return first === undefined ? undefined : plain(first)
}

/** What is in each element of this name, which has none of its own name in it. */
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

/** Elements inside stay as they are: only what is text is read. */
function plain(text: string): string {
  if (text.includes('<')) return text
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16))
  })
}
