import type { NotificationId } from '@heliograph/protocol/identifiers'
import { type Reason, reject, rejections } from '@heliograph/protocol/rejection'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { UUID } from '../../../tools/fuzz/desk.ts'
import { acceptedAnswer, rejectionAnswer } from '../src/send/answer.ts'

const id = UUID as NotificationId
const reasons = Object.keys(rejections) as Reason[]

it('200 has no body', () => {
  expect(acceptedAnswer(id, 'u')).toEqual({
    status: 200,
    headers: { 'apns-id': UUID, 'apns-unique-id': 'u' },
  })
})

it.each(reasons)(
  '%s is one JSON object with the reason alone, and says more in a header',
  (reason) => {
    const answer = rejectionAnswer(id, reject(reason, 'why'))
    expect(answer).toEqual({
      status: rejections[reason].status,
      headers: { 'content-type': 'application/json', 'apns-id': UUID, 'heliograph-detail': 'why' },
      body: `{"reason":"${reason}"}`,
    })
  },
)

it('410 says when, in whole milliseconds', () => {
  const { body } = rejectionAnswer(id, reject('Unregistered', 'why', 1795444921898))
  expect(body).toBe('{"reason":"Unregistered","timestamp":1795444921898}')
})

it('what a provider sent cannot break out of the detail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const detail =
        rejectionAnswer(id, reject('BadTopic', text)).headers['heliograph-detail'] ?? ''
      expect(detail).toMatch(/^[ -~]{0,200}$/)
    }),
  )
})

it('a detail is cut to what a header takes, and what is not ASCII in it becomes a question mark', () => {
  const detailOf = (text: string) =>
    rejectionAnswer(id, reject('BadTopic', text)).headers['heliograph-detail']
  expect(detailOf('é\n~ \u007f')).toBe('??~ ?')
  expect(detailOf('x'.repeat(201))).toBe('x'.repeat(200))
})
