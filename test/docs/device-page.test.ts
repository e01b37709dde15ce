import { readFileSync } from 'node:fs'
import { allowances } from '@heliograph/core/devices/device-budget'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import * as limits from '@heliograph/protocol/limits'
import {
  activationMessages,
  broadcastMessage,
  downMessages,
  upMessages,
} from '@heliograph/protocol/messages'
import { channelTopic, downTopics, upstreams } from '@heliograph/protocol/mqtt-topic'
import {
  activationStatuses,
  connectReasons,
  deviceErrorReasons,
} from '@heliograph/protocol/reasons'
import type { Shape } from '@heliograph/protocol/shape'
import { describe, expect, it } from 'vitest'
import { Document, type Schema } from './schema.ts'

const page = readFileSync(new URL('../../docs/device-sdk.md', import.meta.url), 'utf8')
const document = new Document('asyncapi.yaml')

/** What is below a heading, up to the next heading of any level. */
function below(heading: string): string {
  const [, text = ''] = page.split(`\n${heading}\n`)
  return text.split(/\n#{2,4} /)[0] ?? ''
}

function examplesIn(text: string, title = ''): unknown[] {
  const blocks = text.matchAll(/^```json(.*)\n([\s\S]*?)^```/gm)
  return [...blocks]
    .filter(([, words]) => words?.trim() === title)
    .map(([, , json = '']): unknown => JSON.parse(json))
}

/** The rows of the table whose first column has this name, without the code marks. */
function rowsOf(name: string): string[][] {
  const [, table = ''] = page.split(`\n| ${name} |`)
  const lines =
    table
      .split(/\n(?!\|)/)[0]
      ?.split('\n')
      .slice(2) ?? []
  return lines.map((line) =>
    line
      .replaceAll('`', '')
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** Every field that a value has, or a schema knows, as a path. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, path))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    `${path}/${key}`,
    ...pathsOf(inner, `${path}/${key}`),
  ])
}

function fieldsOf({ properties = {}, items }: Schema, path = ''): string[] {
  const own = Object.entries(properties).flatMap(([key, field]) => [
    `${path}/${key}`,
    ...fieldsOf(field, `${path}/${key}`),
  ])
  return [...own, ...(items ? fieldsOf(items, path) : [])]
}

/** The example is one of the messages, and leaves none of its fields out. */
function shows(examples: readonly unknown[], shapes: readonly Shape<object>[]): void {
  expect(examples).toHaveLength(shapes.length)
  shapes.forEach(({ schema }, index) => {
    expect(document.faults(schema, examples[index])).toEqual([])
    const shown = new Set(pathsOf(examples[index]))
    expect(fieldsOf(schema).filter((field) => !shown.has(field))).toEqual([])
  })
}

describe('what the device page says', () => {
  it.each(upstreams)('the message of %s', (name) => {
    shows(examplesIn(below(`#### \`publish.${name}\``)), upMessages[name])
  })

  it.each(Object.entries(downTopics))('the message %s', (name, topic) => {
    const shape = downMessages[name as keyof typeof downTopics]
    shows(examplesIn(below(`#### \`${topic}\``)), [shape])
  })

  it('the message of a channel', () => {
    const heading = `#### \`${channelTopic('<id>' as ChannelId)}\``
    shows(examplesIn(below(heading)), [broadcastMessage])
  })

  it.each(Object.entries(activationMessages))('the activation: %s', (name, shape) => {
    shows(examplesIn(below('### Activation'), `activation ${name}`), [shape])
  })

  it('every reason, and the status of an activation', () => {
    const statuses = rowsOf('reason | status').map(([reason, status]) => [reason, Number(status)])
    expect(Object.fromEntries(statuses)).toEqual(activationStatuses)
    expect(rowsOf('reason of a rejected token').map(([reason]) => reason)).toEqual(connectReasons)
    const errors = rowsOf('reason of an error').map(([reason]) => reason)
    expect(errors.filter((reason) => reason !== '')).toEqual(deviceErrorReasons)
  })

  it('every limit', () => {
    expect(rowsOf('limit').map(([, value]) => Number(value?.replace(/\D/g, '')))).toEqual([
      limits.MAX_REGISTRATIONS,
      limits.MAX_TOKENS,
      limits.MAX_REQUEST_BYTES,
      limits.MAX_CSR_CHARACTERS,
      limits.MAX_ACTIVATION_CODE_CHARACTERS,
      limits.MAX_ACTIVATION_CHARACTERS,
      limits.MAX_BROKER_CA_CHARACTERS,
      limits.MAX_HOST_CHARACTERS,
      limits.MAX_JOINED_CHANNELS,
      limits.MAX_FILTERS,
    ])
  })

  it('every budget', () => {
    const rows = rowsOf('requests').map(([kind, ...rest]) => [kind?.split(':')[0], ...rest])
    const budgets = Object.entries(allowances).map(([kind, { burst, perSecond }]) => [
      ...[kind, String(burst)],
      `${Math.round(1 / perSecond)} s`,
    ])
    expect(rows).toEqual(budgets)
  })

  it('which clients cannot be devices', () => {
    expect(page).toMatch(/`mosquitto_sub`\s+and\s+`mosquitto_rr`/)
  })
})
