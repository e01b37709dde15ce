import { MAX_LIFETIME_SECONDS } from '@heliograph/protocol/limits'
import { type PushType, pushTypes, topicForms } from '@heliograph/protocol/push-type'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { APP, NOW } from '../../../tools/fuzz/desk.ts'
import { expirationOf, readSendOptions } from '../src/send/send-options.ts'

const read = (headers: Record<string, string>, topic: string = APP) =>
  readSendOptions(headers, topic)

it('has Apple’s defaults', () => {
  expect(read({})).toEqual({
    pushType: 'alert',
    priority: 10,
    expiration: undefined,
    collapseId: undefined,
  })
})

describe('push type', () => {
  it.each(Object.entries(pushTypes))('%s goes with its topic', (type, { suffix }) => {
    expect(read({ 'apns-push-type': type }, APP + suffix)).toMatchObject({ pushType: type })
    const onPlain = read({ 'apns-push-type': type }, APP)
    expect(onPlain).toMatchObject(suffix ? { reason: 'BadTopic' } : { pushType: type })
  })

  it('is told by the topic where it is absent', () => {
    for (const topic of topicForms(APP)) {
      const { pushType } = read({}, topic) as { pushType: PushType }
      expect(APP + pushTypes[pushType].suffix).toBe(topic)
    }
  })

  it.each(['', 'Alert', 'shout', 'toString', '__proto__'])('"%s" is unknown', (type) => {
    expect(read({ 'apns-push-type': type })).toMatchObject({ reason: 'InvalidPushType' })
  })
})

describe('priority', () => {
  it.each([10, 5, 1])('%d', (priority) => {
    expect(read({ 'apns-priority': String(priority) })).toMatchObject({ priority })
  })

  it('anything else is bad', () => {
    const texts = fc.string().filter((text) => !['10', '5', '1'].includes(text))
    fc.assert(
      fc.property(texts, (text) => {
        expect(read({ 'apns-priority': text })).toMatchObject({ reason: 'BadPriority' })
      }),
    )
  })
})

describe('expiration', () => {
  it.each([
    ['0', 0],
    ['00', 0],
    ['-1', -1],
    ['1795444921', 1795444921],
    ['999999999999999', 999999999999999],
  ])('%s', (text, expiration) => {
    expect(read({ 'apns-expiration': text })).toMatchObject({ expiration })
  })

  it.each(['', ' ', '1.5', '1e9', '+1', '0x1', '1 ', 'now', '1'.repeat(16), '--1', '٣', '-'])(
    '"%s" is bad',
    (text) => {
      expect(read({ 'apns-expiration': text })).toMatchObject({ reason: 'BadExpirationDate' })
    },
  )

  it('ends after 30 days at the latest, by the default where none was asked for, never by accident at once', () => {
    const now = Math.floor(NOW / 1000)
    expect(expirationOf(undefined, NOW, 60)).toBe(now + 60)
    expect(expirationOf(undefined, NOW, 1e9)).toBe(now + MAX_LIFETIME_SECONDS)
    expect(Object.is(expirationOf(-0, NOW, 60), 0)).toBe(true)
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e15 }), (asked) => {
        const ends = expirationOf(asked, NOW, 60)
        expect(ends).toBeLessThanOrEqual(now + MAX_LIFETIME_SECONDS)
        expect(ends === 0).toBe(asked === 0)
        if (asked <= now) expect(ends === asked || ends === 0).toBe(true)
      }),
    )
  })
})

describe('collapse id', () => {
  const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

  it('is counted in bytes and read as UTF-8, from a front door that gives bytes or text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme' }), (text) => {
        const fits = Buffer.byteLength(text) <= 64
        for (const sent of [latin1(text), text]) {
          // text that is itself what UTF-8 looks like as bytes cannot be told from them
          if (
            sent === text &&
            Buffer.from(text, 'latin1').toString('utf8') !== text &&
            isAmbiguous(text)
          )
            continue
          expect(read({ 'apns-collapse-id': sent })).toMatchObject(
            fits ? { collapseId: text } : { reason: 'BadCollapseId' },
          )
        }
      }),
    )
  })

  function isAmbiguous(text: string): boolean {
    return [...text].every((character) => character.charCodeAt(0) <= 0xff)
  }

  it.each([
    ['é'.repeat(32), true],
    [`${'é'.repeat(32)}a`, false],
    [latin1('é'.repeat(32)), true],
    [latin1('é'.repeat(33)), false],
    ['k'.repeat(64), true],
    ['k'.repeat(65), false],
  ])('%s', (text, fits) => {
    expect('reason' in read({ 'apns-collapse-id': text })).toBe(!fits)
  })

  it('empty is none', () => {
    expect(read({ 'apns-collapse-id': '' })).toMatchObject({ collapseId: undefined })
  })
})

it('tells the first fault: push type, priority, expiration, collapse id', () => {
  const bad = {
    'apns-push-type': 'x',
    'apns-priority': 'x',
    'apns-expiration': 'x',
    'apns-collapse-id': 'k'.repeat(65),
  }
  const names = Object.keys(bad) as (keyof typeof bad)[]
  const reasons = names.map((_, index) => {
    const left = Object.fromEntries(names.slice(index).map((name) => [name, bad[name]]))
    return (read(left) as { reason: string }).reason
  })
  expect(reasons).toEqual(['InvalidPushType', 'BadPriority', 'BadExpirationDate', 'BadCollapseId'])
})
