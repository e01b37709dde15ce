import { deviceMessage } from '@heliograph/core/notification'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNotification } from '../src/notification.ts'

const head = { id: 'i', topic: 't', acceptedAt: 1 }
const message = (fields: object, payload: string) =>
  `${JSON.stringify({ ...head, ...fields }).slice(0, -1)},"payload":${payload}}`

describe('the payload', () => {
  it('is cut out as the provider wrote it, whatever comes before it', () => {
    const spaced = fc.tuple(fc.json(), fc.constantFrom('', ' ', '\n\t'))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), spaced, (collapseId, [json, space]) => {
        const payload = `${space}${json}${space}`
        const notification = parseNotification(message({ collapseId }, payload))
        expect(notification?.payloadText).toBe(payload)
        expect(notification?.payload).toEqual(JSON.parse(json))
        expect(notification?.collapseId).toBe(collapseId)
      }),
    )
  })

  it('is written anew where it is not the last key', () => {
    const notification = parseNotification(JSON.stringify({ payload: { a: [1] }, ...head }))
    expect(notification?.payloadText).toBe('{"a":[1]}')
  })
})

describe('a message', () => {
  it('as the service writes it is read', () => {
    const accepted = {
      ...{ id: '5c7a1b9e-7f5a-4d0f-8a55-0b6f6f1f0c11', uniqueId: 'u', topic: 'com.example.app' },
      ...{ seq: '01JD0000000000000000000001', acceptedAt: 7, expiration: 8, priority: 5 },
      ...{ pushType: 'background', collapseId: '","payload":' },
    }
    const payload = '{"aps":{"content-available":1},"n":9007199254740993}'
    // Only what goes into the message; the rest of an accepted notification stays in the service.
    const text = deviceMessage({ ...accepted, payload } as never, true)
    const notification = parseNotification(text)
    expect(notification).toMatchObject({ ...accepted, stored: true, payloadText: payload })
  })

  it.each([
    '',
    'null',
    '7',
    '[]',
    '{}',
    message({ id: 7 }, '{}'),
    message({ topic: '' }, '{}'),
    message({ acceptedAt: '1' }, '{}'),
    JSON.stringify(head),
  ])('is no notification: %s', (text) => {
    expect(parseNotification(text)).toBeUndefined()
  })

  it('with the least there can be gets the defaults of Apple', () => {
    expect(parseNotification(message({}, '{}'))).toEqual({
      ...head,
      stored: false,
      expiration: 0,
      priority: 10,
      pushType: 'alert',
      payload: {},
      payloadText: '{}',
    })
  })

  it('may carry what this version does not know', () => {
    expect(parseNotification(message({ novelty: [1] }, '{}'))).toBeDefined()
  })
})
