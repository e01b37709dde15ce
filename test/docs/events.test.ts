import { readFileSync } from 'node:fs'
import { announcementOf, attributesOf, deathOf } from '@heliograph/core/events/announcement'
import { outcomeOf } from '@heliograph/core/outcome'
import type { DeviceToken } from '@heliograph/protocol/identifiers'
import { announcements } from '@heliograph/protocol/messages'
import { announcedOutcomes, eventLevels } from '@heliograph/protocol/outcome'
import { deadTokenReasons } from '@heliograph/protocol/reasons'
import { describe, expect, test } from 'vitest'
import { notification, now, topicA } from '../contract/samples.ts'
import { Document, type Schema } from './schema.ts'

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')
const [, block = ''] = /<!-- schema -->\n```json\n(.*?)\n```/s.exec(page) ?? []
const { oneOf: schemas } = JSON.parse(block) as { readonly oneOf: readonly Schema[] }
const [tokenSchema = {}, notificationSchema = {}] = schemas
const { faults } = checker()

function checker() {
  // any document: the schemas of this page refer to nothing
  const document = new Document('openapi.yaml')
  return { faults: (schema: Schema, value: unknown) => document.faults(schema, value) }
}

const token = 'ab'.repeat(32) as DeviceToken
const dead = { topic: topicA, token, at: now }

describe('docs/events.md', () => {
  test('has the schema of the code', () => {
    expect(tokenSchema).toEqual(announcements.token.schema)
    expect(notificationSchema).toEqual(announcements.notification.schema)
  })

  test.each(announcedOutcomes)('describes what is heard of %s', (kind) => {
    const replacedBy = kind === 'coalesced' ? { uniqueId: 'newer' } : undefined
    const heard = announcementOf(outcomeOf(kind, notification(), now, replacedBy))
    expect(faults(notificationSchema, heard)).toEqual([])
    expect(faults(tokenSchema, heard)).not.toEqual([])
    expect(
      Object.keys(heard ?? {}).filter((name) => !notificationSchema.properties?.[name]),
    ).toEqual([])
    expect(page).toContain(`\`${kind}\``)
  })

  test.each(deadTokenReasons)('describes a token that is dead because of %s', (reason) => {
    const heard = deathOf(dead, reason)
    expect(faults(tokenSchema, heard)).toEqual([])
    expect(faults(notificationSchema, heard)).not.toEqual([])
    expect(page).toContain(`\`${reason}\``)
  })

  test('names the levels and the attributes', () => {
    for (const level of eventLevels) expect(page).toMatch(new RegExp(`^\\| \`${level}\``, 'm'))
    const expired = announcementOf(outcomeOf('expired', notification(), now))
    const names = [expired, deathOf(dead, 'Unregistered')].flatMap((one) =>
      one ? Object.keys(attributesOf(one)) : [],
    )
    for (const name of names) expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
  })

  test('its examples are events', () => {
    const examples = [...page.matchAll(/```json\n(\{ "type".*?)\n```/gs)].map(
      ([, text = '']) => text,
    )
    expect(examples).toHaveLength(2)
    const whole = (text: string) =>
      JSON.parse(
        text
          .replace('"5f3a…"', `"${token}"`)
          .replace('"0198F1C2-…"', '"0198F1C2-0000-7000-8000-000000000000"'),
      )
    expect(faults(tokenSchema, whole(examples[0] ?? ''))).toEqual([])
    expect(faults(notificationSchema, whole(examples[1] ?? ''))).toEqual([])
  })
})
