import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metrics } from '../../packages/machine/src/metrics.ts'
import { defaultSettings, settingsOf } from '../../packages/machine/src/settings.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/one-machine.md')

/** Rows of the page's tables whose first cell is code. */
const rows = page.split('\n').flatMap((line) => {
  const [, first, second] = /^\| (`.*?`.*?) \| (.*?) \|/.exec(line) ?? []
  return first === undefined ? [] : [[first, second] as const]
})

test('the page has every setting with its default', () => {
  for (const [name, value] of Object.entries(defaultSettings)) {
    const row = rows.find(([first]) => first.split(', ').includes(`\`${name}\``))
    expect(row, name).toBeDefined()
    const shown = typeof value === 'object' ? JSON.stringify(value) : value
    expect(row?.[1], name).toBe(value === undefined ? '-' : `\`${shown}\``)
  }
})

test('the example is made of settings', () => {
  const given = JSON.parse(read('examples/machine/settings.json')) as Record<string, unknown>
  expect(settingsOf(given, 'the example').host).toBe('push.example.com')
})

const none = () => 0
const readings = {
  ...{ devices: none, open: none, waitingSlots: none },
  ...{ journalBytes: none, deadLetters: none, subscriptions: none, broadcastsWaiting: none },
}

test('the page has every metric, and the dashboard shows it', async () => {
  const { body } = await metrics(readings).text()
  const names = [...body.matchAll(/^# TYPE (heliograph_\w+)/gm)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(8)
  const dashboard = read('examples/machine/grafana-dashboard.json')
  for (const name of names) {
    expect(
      rows.some(([first]) => first.startsWith(`\`${name}`)),
      name,
    ).toBe(true)
    expect(dashboard, name).toContain(name)
  }
})

test('the dashboard asks for nothing that is not there', async () => {
  const { body } = await metrics(readings).text()
  const asked = read('examples/machine/grafana-dashboard.json').matchAll(
    /\b((?:heliograph|process|nodejs)_\w+?)(?:_bucket|_count|_sum)?\{/g,
  )
  for (const [, name = ''] of asked) expect(body, name).toContain(`# TYPE ${name} `)
})
