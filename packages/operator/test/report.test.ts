import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Failure } from '../src/failure.ts'
import { failureOf } from '../src/fault.ts'
import { readSecret, refuseExisting, writePrivate } from '../src/files.ts'
import { dayText, fields, spanText, table, timeText } from '../src/report.ts'
import { guarded, visible } from '../src/terminal.ts'
import { parseSpan, parseWhole } from '../src/values.ts'
import { scratchFolder, TestTerminal } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

describe('a report', () => {
  it('has columns as wide as what is in them, and no spaces at the end', () => {
    const text = table(
      ['A', 'LONG NAME'],
      [
        ['value', 1],
        [undefined, 'x'],
      ],
    )
    expect(text).toBe('A      LONG NAME\nvalue  1\n-      x')
  })

  it('leaves out fields that are not known', () => {
    expect(fields({ a: 1, missing: undefined, 'longer name': 'x' })).toBe(
      'a            1\nlonger name  x',
    )
  })

  it('tells times in UTC', () => {
    expect(timeText(0)).toBe('1970-01-01 00:00:00 UTC')
    expect(timeText(undefined)).toBe('-')
    expect(dayText(86_400_000)).toBe('1970-01-02')
  })

  it.each([
    [-5, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [3_600_000 * 23.9, '23 h'],
    [86_400_000 * 400, '400 d'],
  ])('tells %d ms as %s', (ms, text) => {
    expect(spanText(ms)).toBe(text)
  })
})

describe('what a terminal shows', () => {
  it.each([
    ['\u001b[31m', '\\u001b[31m'],
    ['\u009b31m\u007f', '\\u009b31m\\u007f'],
    ['a\nb\r\tc', 'a\\u000ab\\u000d\\u0009c'],
    ['\u202ea\u2066b\u061c', '\\u202ea\\u2066b\\u061c'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['\u200b\ufeff\u{e0041}', '\\u200b\\ufeff\\udb40\\udc41'],
    ['\ud800x', '\\ud800x'],
    ['Grüße, 世界 👩‍💻 שלום', 'Grüße, 世界 👩‍💻 שלום'],
  ])('%j', (text, shown) => {
    expect(visible(text)).toBe(shown)
    expect(JSON.parse(visible(JSON.stringify(text)))).toBe(text)
  })

  it('forges no row and no field', () => {
    expect(table(['A', 'B'], [['x\ny', 'z']])).toBe('A         B\nx\\u000ay  z')
    expect(fields({ a: '1\nb  2' })).toBe('a  1\\u000ab  2')
  })

  it('takes nothing unescaped from a command', async () => {
    const terminal = new TestTerminal()
    const safe = guarded(terminal)
    safe.print('a\u001b[2J\n')
    safe.note('b\u0007')
    await safe.askSecret('c\u009b? ')
    const said = [...terminal.printed, ...terminal.notes, ...terminal.questions]
    expect(said).toEqual(['a\\u001b[2J\\u000a', 'b\\u0007', 'c\\u009b? '])
    expect(safe.stop).toBe(terminal.stop)
  })
})

describe('values', () => {
  it.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['24h', 86_400],
    ['7d', 604_800],
  ])('reads %s as a time', (text, seconds) => {
    expect(parseSpan('--ttl', text)).toBe(seconds)
  })

  it.each(['', '1.5h', '-1h', '1w', 'h', '1 h', '99999999999'])('refuses %j as a time', (text) => {
    expect(() => parseSpan('--ttl', text)).toThrow('--ttl takes a time')
  })

  it.each(['0', '11', '1.0', '0x5', ' 5', '', 'NaN', '-1'])(
    'refuses %j as a number from 1 to 10',
    (text) => {
      expect(() => parseWhole('--days', text, 1, 10)).toThrow(Failure)
    },
  )
})

describe('files', () => {
  it('are for their owner only, in folders for their owner only', async () => {
    const path = join(folder.path, 'new', 'app.key')
    await writePrivate(path, 'secret')
    expect(readFileSync(path, 'utf8')).toBe('secret')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder.path, 'new')).mode & 0o777).toBe(0o700)
  })

  it('that anybody could read are not when they are replaced', async () => {
    const path = join(folder.path, 'open.key')
    writeFileSync(path, 'old', { mode: 0o644 })
    await writePrivate(path, 'new')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('that are there are refused, by name', () => {
    const path = join(folder.path, 'there')
    writeFileSync(path, '')
    expect(() => refuseExisting([join(folder.path, 'not there'), path])).toThrow(
      `${path} already exists`,
    )
  })

  it('that cannot be written are told in one sentence', async () => {
    const path = join(folder.path, 'folder')
    mkdirSync(join(path, 'inside'), { recursive: true })
    await expect(writePrivate(path, '')).rejects.toThrow(`${path} cannot be written`)
  })

  it('hold a secret without the line end of an editor, spaces included', async () => {
    const path = join(folder.path, 'secret')
    writeFileSync(path, ' two words \r\n')
    expect(await readSecret(path, 'passphrase file')).toBe(' two words ')
  })
})

describe('a fault', () => {
  const named = (name: string, message = '', code?: string) =>
    Object.assign(new Error(message), { name, ...(code && { code }) })

  it.each([
    [named('Error', '', 'ECONNREFUSED'), 'unreachable'],
    [named('Error', '', 'ENOTFOUND'), 'unreachable'],
    [named('TimeoutError'), 'unreachable'],
    [named('CredentialsProviderError', 'Could not load credentials from any providers'), 'refused'],
    [named('Error', 'Region is missing'), 'usage'],
    [named('ExpiredTokenException'), 'refused'],
    [named('UnrecognizedClientException'), 'refused'],
    [named('AccessDeniedException', 'not authorized to perform kms:Sign'), 'refused'],
  ])('%s is a sentence of kind %s', (fault, kind) => {
    expect(failureOf(fault)).toMatchObject({ kind, message: expect.stringMatching(/\w/) })
  })

  it('that nobody foresaw is no sentence', () => {
    expect(failureOf(new TypeError('x is undefined'))).toBeUndefined()
    expect(failureOf('text')).toBeUndefined()
  })
})
