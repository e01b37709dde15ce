import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { filtered } from '../../packages/embedded-cloud/src/metrics/metric-filter.ts'
import { operationsOf, type Widget } from '../../tools/dashboard/body.ts'
import { fitted, legend, placed, textWidth, ticks, WIDTH } from '../../tools/dashboard/layout.ts'
import { Metrics } from '../../tools/dashboard/metrics.ts'
import { picture } from '../../tools/dashboard/picture.ts'
import { resourcesOf, templatesOf } from '../infra/app.ts'

const operations = operationsOf(Object.fromEntries(resourcesOf([templatesOf().operations])), {
  'Heliograph-local-Providers': {},
})
const span = { start: 0, pointMs: 10, points: 6 }
const captions = { title: 'A & B', note: 'note' }

function drawn(lines: readonly object[] = []): string {
  const group = '/aws/lambda/heliograph-local-accept'
  const metrics = new Metrics()
  for (const [index, line] of lines.entries())
    for (const datum of filtered(operations.filters, group, JSON.stringify(line), index * 10))
      metrics.add(datum)
  const logs = new Map([[group, lines as Record<string, unknown>[]]])
  return picture(operations, { metrics, span, logs }, captions)
}

/** The card of this title. */
function card(svg: string, title: string): string {
  return svg.split('<g ').find((part) => part.includes(`>${title}<`)) ?? ''
}

const accepted = { outcome: 'accepted', count: 1, stage: 'local', topic: 'com.example.app' }

describe('the picture', () => {
  test('has a card for every widget, in its place', () => {
    const svg = drawn()
    for (const widget of operations.widgets) {
      const { x, y } = placed(widget)
      expect(card(svg, widget.title)).toContain(`translate(${x} ${y})`)
    }
  })

  test('is the same for the same recording, and escapes what it writes', () => {
    expect(drawn([accepted])).toBe(drawn([accepted]))
    expect(drawn()).toContain('<title>A &amp; B</title>')
  })

  test('draws what the log lines make of the metrics', () => {
    const name = 'What becomes of notifications, per minute'
    expect(card(drawn(), name)).not.toMatch(/polyline|circle/)
    expect(card(drawn([accepted]), name).match(/<circle/g)).toHaveLength(1)
    expect(card(drawn([accepted, accepted]), name).match(/<polyline/g)).toHaveLength(1)
    expect(card(drawn([accepted]), 'By topic')).toContain('com.example.app')
  })

  test('says of what nobody measured that there are no data', () => {
    expect(card(drawn([accepted]), 'Time of a call, ms')).toContain('no data here')
  })

  test('shows every alarm', () => {
    const { alarms } = operations.widgets[0] as Extract<Widget, { kind: 'alarms' }>
    const shown = card(drawn(), 'Alarms')
    for (const { name } of alarms) expect(shown).toContain(`>${name}<`)
  })
})

test('the picture in docs/ shows the widgets of today', () => {
  const file = new URL('../../docs/images/dashboard.svg', import.meta.url)
  const svg = readFileSync(file, 'utf8')
  const missing = operations.widgets.filter(({ title }) => !svg.includes(`>${title}<`))
  expect(
    missing.map(({ title }) => title),
    'npm run dashboard draws it anew',
  ).toEqual([])
})

describe('the layout', () => {
  test('keeps cards apart and inside the picture', () => {
    const boxes = operations.widgets.map(placed)
    for (const [index, a] of boxes.entries()) {
      expect(a.x + a.width).toBeLessThanOrEqual(WIDTH)
      for (const b of boxes.slice(index + 1)) {
        const beside = a.x + a.width < b.x || b.x + b.width < a.x
        expect(beside || a.y + a.height < b.y || b.y + b.height < a.y).toBe(true)
      }
    }
  })

  test('puts labels into rows, none over another', () => {
    const labels = ['accepted', 'stored', 'delivered', 'drained'].map((label) => ({ label }))
    const entries = legend(labels, 10, 150)
    expect(entries.map(({ row }) => row)).toEqual([0, 0, 1, 1])
    for (const { x, item } of entries)
      expect(x + textWidth(item.label, 10)).toBeLessThanOrEqual(150)
  })

  test('cuts a text that is too long', () => {
    expect(fitted('short', 10, 100)).toBe('short')
    expect(fitted('a text that is too long', 10, 60)).toBe('a text th…')
  })

  test.each([
    [0, [0, 0.5, 1]],
    [1, [0, 0.5, 1]],
    [7, [0, 2, 4, 6, 8]],
    [400, [0, 100, 200, 300, 400]],
    [2879, [0, 1000, 2000, 3000]],
    [0.3, [0, 0.1, 0.2, 0.3]],
  ])('marks an axis up to %d at %j', (maximum, expected) =>
    expect(ticks(maximum)).toEqual(expected),
  )
})
