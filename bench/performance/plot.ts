import { element, escaped } from '../../tools/dashboard/svg.ts'

export interface Bar {
  readonly label: string
  readonly value: number
  /** Least and greatest of the rounds. */
  readonly range?: readonly [number, number]
  /** Drawn in the accent color: ours among others'. */
  readonly own?: boolean
}

export interface BarChart {
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
  /** A line across: what was to be reached. */
  readonly goal?: number
}

const WIDTH = 720
const LEFT = 230
const RIGHT = 110
const TOP = 44
const ROW = 30
const BAR = 18

/** A horizontal bar for each value, with the range of its rounds; a whole SVG document. */
export function barChart({ title, unit, bars, goal }: BarChart): string {
  const height = TOP + bars.length * ROW + 14
  const most = Math.max(goal ?? 0, ...bars.map(({ value, range }) => range?.[1] ?? value))
  const scale = (value: number) => LEFT + (value / (most || 1)) * (WIDTH - LEFT - RIGHT)
  const parts = [
    element('rect', { width: WIDTH, height, fill: '#ffffff' }),
    label(title, { x: 16, y: 26, 'font-size': 15, 'font-weight': 600, fill: '#16191f' }),
    ...bars.map((bar, index) => drawn(bar, TOP + index * ROW, unit, scale)),
    goal === undefined ? '' : goalLine(scale(goal), height, goal, unit),
  ]
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
      'font-family': 'system-ui, -apple-system, Segoe UI, sans-serif',
      role: 'img',
      'aria-label': `${title}, ${unit}`,
    },
    ...parts,
  )}\n`
}

function drawn(
  { label: name, value, range, own }: Bar,
  y: number,
  unit: string,
  scale: (value: number) => number,
): string {
  const middle = y + ROW / 2
  const end = scale(value)
  const text = { 'font-size': 12, 'dominant-baseline': 'central' }
  return [
    label(name, { x: LEFT - 10, y: middle, 'text-anchor': 'end', fill: '#16191f', ...text }),
    element('rect', {
      x: LEFT,
      y: middle - BAR / 2,
      width: Math.max(1, end - LEFT),
      height: BAR,
      rx: 2,
      fill: own ? '#e0861a' : '#8fa3b5',
    }),
    range === undefined ? '' : whisker(scale(range[0]), scale(range[1]), middle),
    label(`${value} ${unit}`, {
      x: Math.max(end, scale(range?.[1] ?? 0)) + 8,
      y: middle,
      fill: '#5f6b7a',
      ...text,
    }),
  ].join('')
}

function whisker(from: number, to: number, y: number): string {
  const stroke = { stroke: '#16191f', 'stroke-width': 1 }
  const cap = (x: number) => element('line', { x1: x, x2: x, y1: y - 4, y2: y + 4, ...stroke })
  return element('line', { x1: from, x2: to, y1: y, y2: y, ...stroke }) + cap(from) + cap(to)
}

function goalLine(x: number, height: number, goal: number, unit: string): string {
  return (
    element('line', {
      x1: x,
      x2: x,
      y1: TOP - 4,
      y2: height - 8,
      stroke: '#1d8a4a',
      'stroke-width': 1.5,
      'stroke-dasharray': '4 3',
    }) +
    label(`goal ${goal} ${unit}`, {
      x,
      y: TOP - 8,
      'text-anchor': 'middle',
      'font-size': 11,
      fill: '#1d8a4a',
    })
  )
}

function label(content: string, attributes: Parameters<typeof element>[1]): string {
  return element('text', attributes, escaped(content))
}
