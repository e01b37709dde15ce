import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePushType, pushTypes, topicForms } from '../src/push-type.ts'

const page = readFileSync(new URL('../../../docs/provider-api.md', import.meta.url), 'utf8')

test('the page has every push type with its suffix and payload', () => {
  const [, table = ''] = page.split('\n| push type | topic = bundle id + | payload |\n')
  const rows = (table.split('\n\n')[0] ?? '').split('\n').slice(1)
  const described = rows.flatMap((row) => {
    const [, names = '', suffix = '', payload = ''] = row.replaceAll('`', '').split(/\s*\|\s*/)
    const rule = {
      suffix: suffix === 'nothing' ? '' : suffix,
      maxPayload: Number(payload.replace(',', '')),
    }
    return names.split(', ').map((name) => [name, rule] as const)
  })
  expect(Object.fromEntries(described)).toEqual(pushTypes)
})

test('a push type is one of its own, not one of every object', () => {
  expect(parsePushType('voip')).toBe('voip')
  expect(parsePushType('toString')).toBeUndefined()
})

test('a bundle id has each form once, the plain one first', () => {
  const forms = topicForms('com.example.app')
  expect(forms[0]).toBe('com.example.app')
  expect(forms).toContain('com.example.app.voip')
  expect(new Set(forms).size).toBe(forms.length)
})
