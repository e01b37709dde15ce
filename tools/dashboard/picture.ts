import { type AlarmState, alarmState } from './alarm-state.ts'
import type { Line, Operations, Widget } from './body.ts'
import { type Chart, chart } from './chart.ts'
import { type Box, fitted, HEAD, heightOf, placed, WIDTH } from './layout.ts'
import { answer, sourcesOf } from './log-query.ts'
import type { MetricId, Metrics, Span } from './metrics.ts'
import { colors, element, escaped, text } from './svg.ts'

/** What a run has told, for a dashboard to show. */
export interface Recording {
  readonly metrics: Metrics
  readonly span: Span
  /** The JSON lines of each log group. */
  readonly logs: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>
}

export interface Captions {
  readonly title: string
  readonly note: string
}

/** The dashboard as an SVG document; the same recording gives the same text. */
export function picture(
  { widgets, filters }: Operations,
  recording: Recording,
  captions: Captions,
): string {
  const counted = new Set(
    filters.flatMap(({ MetricTransformations }) =>
      MetricTransformations.map(
        ({ MetricNamespace, MetricName }) => `${MetricNamespace} ${MetricName}`,
      ),
    ),
  )
  const isMeasured = (metric: MetricId) =>
    recording.metrics.has(metric) || counted.has(`${metric.namespace} ${metric.name}`)
  const height = heightOf(widgets)
  const cards = widgets.map((widget) => card(widget, recording, isMeasured))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="Helvetica, Arial, sans-serif" role="img">`,
    element('title', {}, escaped(captions.title)),
    element('rect', { width: WIDTH, height, fill: colors.page }),
    text(captions.title, { x: 12, y: 28, 'font-size': 19, 'font-weight': 600, fill: colors.ink }),
    text(captions.note, { x: 12, y: HEAD - 16, 'font-size': 12, fill: colors.faint }),
    ...cards,
    '</svg>',
    '',
  ].join('\n')
}

type IsMeasured = (metric: MetricId) => boolean

function card(widget: Widget, recording: Recording, isMeasured: IsMeasured): string {
  const box = placed(widget)
  const inner = { x: 12, y: 30, width: box.width - 24, height: box.height - 38 }
  const title = fitted(widget.title, 12, inner.width)
  return element(
    'g',
    { transform: `translate(${box.x} ${box.y})` },
    element('rect', {
      width: box.width,
      height: box.height,
      rx: 5,
      fill: colors.card,
      stroke: colors.edge,
    }),
    text(title, { x: 12, y: 20, 'font-size': 12, 'font-weight': 600, fill: colors.ink }),
    content(widget, inner, recording, isMeasured),
  )
}

function content(widget: Widget, box: Box, recording: Recording, isMeasured: IsMeasured): string {
  if (widget.kind === 'alarms') {
    const { metrics, span } = recording
    const states = widget.alarms.map((rule) => ({
      name: rule.name,
      state: alarmState(rule, metrics, span, isMeasured),
    }))
    return tiles(states, box)
  }
  if (widget.kind === 'table') return table(widget.query, box, recording)
  const shown = widget.lines.filter(isMeasured)
  if (shown.length === 0) return nothing(box)
  return chart(chartOf(shown, recording), box)
}

function chartOf(lines: readonly Line[], { metrics, span }: Recording): Chart {
  return {
    seconds: (span.points * span.pointMs) / 1000,
    lines: lines.map((line) => ({ ...line, values: metrics.series(line, line.statistic, span) })),
  }
}

function nothing({ x, y, width, height }: Box): string {
  const middle = { x: x + width / 2, y: y + height / 2 + 4, 'text-anchor': 'middle' }
  return (
    element('rect', { x, y, width, height, rx: 3, fill: colors.page }) +
    text('no data here: only AWS measures this', {
      ...middle,
      'font-size': 12,
      fill: colors.faint,
    })
  )
}

const TILES = 6
const TILE_HEIGHT = 30

const stateColors: Readonly<Record<AlarmState, string>> = {
  ok: colors.good,
  alarm: colors.bad,
  'no data here': colors.edge,
}

function tiles(alarms: readonly { name: string; state: AlarmState }[], box: Box): string {
  const width = box.width / TILES
  return alarms
    .map(({ name, state }, index) => {
      const x = box.x + (index % TILES) * width
      const y = box.y + Math.floor(index / TILES) * (TILE_HEIGHT + 5)
      return (
        element('rect', {
          x,
          y,
          width: width - 8,
          height: TILE_HEIGHT,
          rx: 3,
          fill: colors.page,
        }) +
        element('rect', { x, y, width: 5, height: TILE_HEIGHT, rx: 2, fill: stateColors[state] }) +
        text(fitted(name, 11, width - 24), {
          x: x + 13,
          y: y + 13,
          'font-size': 11,
          fill: colors.ink,
        }) +
        text(state === 'ok' ? 'OK' : state === 'alarm' ? 'IN ALARM' : state, {
          ...{ x: x + 13, y: y + 25, 'font-size': 9.5 },
          fill: state === 'alarm' ? colors.bad : colors.faint,
        })
      )
    })
    .join('')
}

const LINE_HEIGHT = 15

function table(query: string, box: Box, { logs }: Recording): string {
  const lines = sourcesOf(query).flatMap((name) => logs.get(name) ?? [])
  const { columns, rows } = answer(query.replace(/^(SOURCE '[^']+' \| )+/, ''), lines)
  const room = Math.floor((box.height + 4) / LINE_HEIGHT)
  const shown = rows.length < room ? rows : rows.slice(0, room - 2)
  const left = rows.length - shown.length
  const all = [columns, ...shown, ...(left > 0 ? [[`and ${left} more rows`]] : [])]
  return all.map((cells, row) => tableRow(cells, row, box)).join('')
}

/** The first column takes half of the width; the last, a count, is at the right edge. */
function tableRow(cells: readonly string[], row: number, { x, y, width }: Box): string {
  const baseline = y + row * LINE_HEIGHT + 10
  const fill = row === 0 ? colors.faint : colors.ink
  const rule = { x1: x, x2: x + width, y1: baseline + 4, y2: baseline + 4, stroke: colors.grid }
  const places = cells.map((cell, column) => {
    const last = column > 0 && column === cells.length - 1
    const at = last ? x + width : x + column * width * 0.5
    return text(fitted(cell, 11, width * 0.5), {
      ...{ x: at, y: baseline, 'font-size': 11, fill },
      ...(last && { 'text-anchor': 'end' }),
    })
  })
  return element('line', rule) + places.join('')
}
