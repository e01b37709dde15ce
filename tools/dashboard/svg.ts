export const colors = {
  page: '#f3f5f7',
  card: '#ffffff',
  edge: '#cfd6dd',
  grid: '#e6eaee',
  ink: '#16191f',
  faint: '#5f6b7a',
  good: '#1d8a4a',
  bad: '#d13212',
} as const

/** Most people can tell them apart; a graph with more lines starts over. */
export const lineColors = [
  '#1f77b4',
  '#e0861a',
  '#2ca02c',
  '#8e5bbf',
  '#d62728',
  '#17a2b8',
  '#c2185b',
  '#7f7f7f',
  '#9a9a12',
  '#8c564b',
] as const

type Attributes = Readonly<Record<string, string | number>>

export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${shown(value)}"`)
  const inner = children.join('')
  return inner ? `<${name}${written.join('')}>${inner}</${name}>` : `<${name}${written.join('')}/>`
}

export function text(content: string, attributes: Attributes): string {
  return element('text', attributes, escaped(content))
}

export function escaped(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

/** A tenth of a pixel is enough. */
function shown(value: string | number): string {
  return typeof value === 'number'
    ? String(Math.round(value * 10) / 10)
    : escaped(value).replace(/"/g, '&quot;')
}
