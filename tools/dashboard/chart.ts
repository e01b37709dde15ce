import { type Box, fitted, KEY, legend, ticks } from './layout.ts'
import { colors, element, lineColors, text } from './svg.ts'

export interface ChartLine {
  readonly label: string
  /** Drawn against the axis on the right, dashed. */
  readonly right: boolean
  readonly values: readonly (number | undefined)[]
}

export interface Chart {
  readonly lines: readonly ChartLine[]
  /** Length of the time axis. */
  readonly seconds: number
}

const SMALL = 10
const LEGEND_ROW = 13
const AXIS = 34
const MAX_LEGEND_ROWS = 4

/** A line chart with its legend below, inside the box. */
export function chart({ lines, seconds }: Chart, box: Box): string {
  const entries = legend(
    lines.map((line, index) => ({ ...line, index })),
    SMALL,
    box.width,
  )
  const rows = Math.min(MAX_LEGEND_ROWS, (entries.at(-1)?.row ?? 0) + 1)
  const hasRight = lines.some(({ right }) => right)
  const hasLeft = lines.some(({ right }) => !right)
  const plot = {
    x: box.x + AXIS,
    y: box.y + 4,
    width: box.width - AXIS - (hasRight ? AXIS : 4),
    height: box.height - rows * LEGEND_ROW - 26,
  }
  const left = axisOf(lines, false)
  const right = axisOf(lines, true)
  return [
    hasLeft ? grid(left, plot, true) : grid(right, plot, false),
    timeAxis(seconds, plot),
    hasRight ? rightAxis(right, plot) : '',
    ...lines.map((line, index) => drawn(line, colorOf(index), line.right ? right : left, plot)),
    ...entries
      .filter(({ row }) => row < rows)
      .map((entry) => key(entry, box, box.y + box.height - rows * LEGEND_ROW + 11)),
  ].join('')
}

function colorOf(index: number): string {
  return lineColors[index % lineColors.length] ?? colors.ink
}

function axisOf(lines: readonly ChartLine[], right: boolean): number[] {
  const values = lines.filter((line) => line.right === right).flatMap((line) => line.values)
  return ticks(Math.max(0, ...values.filter((value) => value !== undefined)))
}

function heightAt(value: number, axis: readonly number[], { y, height }: Box): number {
  return y + height - (value / (axis.at(-1) ?? 1)) * height
}

const small = { 'font-size': SMALL, fill: colors.faint }

function grid(axis: readonly number[], plot: Box, labeled: boolean): string {
  const [x1, x2] = [plot.x, plot.x + plot.width]
  const label = { x: x1 - 5, 'text-anchor': 'end', ...small }
  return axis
    .map((value) => {
      const y = heightAt(value, axis, plot)
      const line = element('line', { x1, x2, y1: y, y2: y, stroke: colors.grid })
      return line + (labeled ? text(figure(value), { ...label, y: y + 3 }) : '')
    })
    .join('')
}

function rightAxis(axis: readonly number[], plot: Box): string {
  const x = plot.x + plot.width + 5
  return axis
    .map((value) => text(figure(value), { x, y: heightAt(value, axis, plot) + 3, ...small }))
    .join('')
}

function figure(value: number): string {
  return value >= 10_000 ? `${value / 1000}k` : String(value)
}

function timeAxis(seconds: number, plot: Box): string {
  const step = ticks(seconds / 1.5)[1] ?? seconds
  const marks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step)
  const narrow = plot.width < 150
  return marks
    .filter((_, index) => !narrow || index % 2 === 0)
    .map((second) => {
      const x = plot.x + (second / seconds) * plot.width
      const y = plot.y + plot.height + 13
      return text(`${second} s`, { x, y, 'text-anchor': 'middle', ...small })
    })
    .join('')
}

/** Runs of values that follow each other are joined; one alone is a dot. */
function drawn(line: ChartLine, color: string, axis: readonly number[], plot: Box): string {
  const x = (index: number) => plot.x + ((index + 0.5) / line.values.length) * plot.width
  return runs(line.values)
    .map((run) => {
      const points = run.map(({ index, value }) => ({
        x: x(index),
        y: heightAt(value, axis, plot),
      }))
      const [first] = points
      if (points.length === 1 && first)
        return element('circle', { cx: first.x, cy: first.y, r: 2, fill: color })
      return element('polyline', {
        points: points.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(' '),
        ...{ fill: 'none', stroke: color, 'stroke-width': 1.6, 'stroke-linejoin': 'round' },
        ...(line.right && { 'stroke-dasharray': '4 2' }),
      })
    })
    .join('')
}

interface Point {
  readonly index: number
  readonly value: number
}

function runs(values: ChartLine['values']): Point[][] {
  const all: Point[][] = []
  let current: Point[] | undefined
  for (const [index, value] of values.entries()) {
    if (value === undefined) {
      current = undefined
      continue
    }
    if (!current) {
      current = []
      all.push(current)
    }
    current.push({ index, value })
  }
  return all
}

function key(
  { item, x, row }: { item: ChartLine & { index: number }; x: number; row: number },
  box: Box,
  top: number,
): string {
  const y = top + row * LEGEND_ROW
  return (
    element('rect', {
      x: box.x + x,
      y: y - 7,
      width: 7,
      height: 7,
      rx: 1.5,
      fill: colorOf(item.index),
    }) + text(fitted(item.label, SMALL, box.width - KEY), { x: box.x + x + KEY, y, ...small })
  )
}
