import { activationStatuses } from '@heliograph/protocol/reasons'
import { expect, test } from 'vitest'
import { activationEdge } from '../src/server/activation-api.ts'

test.each([
  [400, 'BadRequest', 'this is no HTTP request', undefined],
  [408, 'BadRequest', 'the request did not come to its end in time', undefined],
  [413, 'BadRequest', 'the request is too large', undefined],
  [431, 'BadRequest', 'the request is too large', undefined],
  [503, 'ServiceUnavailable', undefined, 'wait'],
])('%d before the request is whole is answered in the shape of activation', (...expected) => {
  const [status, reason, detail, pause] = expected
  const answer = activationEdge(status)
  const body = JSON.parse(answer.body ?? '')
  expect([answer.status, body.reason in activationStatuses]).toEqual([status, true])
  expect(body).toMatchObject({ reason, ...(detail && { detail }) })
  expect(answer.headers['content-type']).toBe('application/json')
  const after = Number(answer.headers['retry-after'])
  if (pause) expect(after).toBeGreaterThan(0)
  else expect(answer.headers).not.toHaveProperty('retry-after')
})
