import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accept } from '../../core/accept.ts'
import type { ActivationReason } from '../../core/activate.ts'
import { rejectionAnswer } from '../../core/answer.ts'
import { readFeedback } from '../../core/feedback.ts'
import {
  type NotificationId,
  parseDeviceId,
  parseDeviceToken,
  parseNotificationId,
  parseTopic,
} from '../../core/identifiers.ts'
import type { FeedbackRow } from '../../core/ports.ts'
import { pushTypes } from '../../core/push-type.ts'
import { type Reason, reject, rejections } from '../../core/rejection.ts'
import { readSendOptions } from '../../core/send-options.ts'
import { activateHandler } from '../../lambdas/activate/handler.ts'
import { makePrivateKey, makeRequest } from '../../sdk/certificate.ts'
import { APP, Desk, UUID } from '../core/accept-support.ts'
import { Document, type Schema } from './schema.ts'

const document = new Document('openapi.yaml')
const reasons = Object.keys(rejections) as Reason[]
const goodCsr = await makeRequest(makePrivateKey())

interface Described {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: { readonly 'application/json': { readonly schema: Schema } }
}

function responseOf(path: string, method: string, status: number | string): Described {
  return document.at(`#/paths/${path.replaceAll('/', '~1')}/${method}/responses/${status}`)
}

const sendResponse = (status: number) => responseOf('/3/device/{token}', 'post', status)
const schemaOf = (response: Described): Schema =>
  response.content?.['application/json'].schema ?? {}

/** Both the document's pattern and the code's parser judge these alike. */
function agree(name: string, parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts)
    expect([text, document.faults(document.schema(name), text).length === 0]).toEqual([
      text,
      parse(text) !== undefined,
    ])
}

describe('what openapi.yaml says of sending', () => {
  it('every reason at its status, and no other', () => {
    for (const status of new Set(reasons.map((reason) => rejections[reason].status))) {
      const schema = document.schema(`Refusal${status}`)
      expect([...(schema.properties?.reason?.enum ?? [])].sort()).toEqual(
        reasons.filter((reason) => rejections[reason].status === status).sort(),
      )
    }
    const described = Object.keys(
      document.at<object>('#/paths/~13~1device~1{token}/post/responses'),
    )
    const statuses = reasons.map((reason) => String(rejections[reason].status))
    expect(described.sort()).toEqual([...new Set(['200', ...statuses])].sort())
  })

  it.each(reasons)('the answer of %s', (reason) => {
    const { status } = rejections[reason]
    const timestamp = status === 410 ? 1_795_444_921_898 : undefined
    const answer = rejectionAnswer(UUID as NotificationId, reject(reason, 'why', timestamp))
    const response = sendResponse(status)
    expect(document.faults(schemaOf(response), JSON.parse(answer.body ?? ''))).toEqual([])
    expect(Object.keys(response.headers ?? {})).toEqual(['apns-id', 'heliograph-detail'])
    for (const name of Object.keys(response.headers ?? {}))
      expect(headerFaults(name, answer.headers[name])).toEqual([])
  })

  it('the answer to an accepted notification', async () => {
    const desk = new Desk()
    const { headers, body } = await accept(desk.request(), desk.ports)
    expect(body).toBeUndefined()
    expect(sendResponse(200).content).toBeUndefined()
    expect(Object.keys(headers)).toEqual(Object.keys(sendResponse(200).headers ?? {}))
    for (const name of Object.keys(headers)) expect(headerFaults(name, headers[name])).toEqual([])
  })

  function headerFaults(name: string, value: string | undefined): string[] {
    const { schema } = document.at<{ schema: Schema }>(`#/components/headers/${name}`)
    return document.faults(schema, value)
  }

  it('every header that accept reads, and no other', () => {
    const parameters = document.at<Record<string, { in: string }>>('#/components/parameters')
    const headers = Object.entries(parameters).filter(([, parameter]) => parameter.in === 'header')
    expect(headers.map(([name]) => name).sort()).toEqual([
      ...['apns-collapse-id', 'apns-expiration', 'apns-id', 'apns-priority', 'apns-push-type'],
      'apns-topic',
    ])
  })

  it('the same forms as the code', () => {
    expect(document.schema('PushType').enum).toEqual(Object.keys(pushTypes))
    agree('DeviceToken', parseDeviceToken, [
      'ab'.repeat(32),
      'AB'.repeat(32),
      'ab',
      'xy'.repeat(32),
    ])
    agree('NotificationId', parseNotificationId, [UUID, UUID.toUpperCase(), `{${UUID}}`, ''])
    agree('Topic', parseTopic, [APP, 'a', 'a.', '.a', 'a b', 'x'.repeat(255), 'x'.repeat(256), ''])
    agree('DeviceId', parseDeviceId, ['0123456789abcdef', '0123456789abcdeu', '0123'])
    const { schema } = document.at<{ schema: Schema }>('#/components/parameters/apns-expiration')
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
        const isGood = !('reason' in readSendOptions({ 'apns-expiration': text }, APP))
        expect(document.faults(schema, text).length === 0).toBe(isGood)
      }),
    )
  })
})

describe('what openapi.yaml says of feedback', () => {
  it('the answer of the code', async () => {
    const desk = new Desk()
    const rows = (['Unregistered', 'Expired', 'Undeliverable'] as const).map((reason, index) => ({
      ...{ token: desk.token(), timestamp: 1_795_444_921_898, reason },
      entry: `01M84DPNHAYZ7515QD4F9WV4G${index}`,
      ...(reason === 'Unregistered' ? {} : { id: UUID }),
    })) as unknown as FeedbackRow[]
    const request = desk.request({ method: 'GET', path: '/3/feedback', headers: {} })
    const ports = { ...desk.ports, feedback: { read: async () => rows } }
    const { status, body } = await readFeedback(request, ports)
    const page = JSON.parse(body ?? '') as { feedback: unknown[] }
    expect([status, page.feedback.length]).toEqual([200, 3])
    expect(document.faults(schemaOf(responseOf('/3/feedback', 'get', 200)), page)).toEqual([])
    const entry = document.schema('FeedbackEntry').properties?.reason?.enum
    expect(entry).toEqual(['Unregistered', 'Expired', 'Undeliverable'])
  })
})

describe('what openapi.yaml says of activation', () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const meeting = { stage: 'x', mqtt: { host: 'h', port: 8883, ca: 'PEM' } }
  const event = (body: unknown) => ({
    ...{ rawPath: '/activate', headers: {}, isBase64Encoded: false },
    body: JSON.stringify(body),
    requestContext: { http: { method: 'POST' } },
  })
  type Ports = Parameters<typeof activateHandler>[0]

  it('every reason that the code has, and the fault', () => {
    // a reason that is new to the code does not compile here
    const known: Record<ActivationReason, true> = {
      BadRequest: true,
      BadCertificateRequest: true,
      BadActivationCode: true,
      UsedActivationCode: true,
      ExpiredActivationCode: true,
    }
    const described = document.schema('ActivationRefusal').properties?.reason?.enum ?? []
    expect([...described].sort()).toEqual([...Object.keys(known), 'ServiceUnavailable'].sort())
  })

  it.each([
    [400, {}, working()],
    [400, { activationCode: 'x', csr: 'none' }, working()],
    [403, { activationCode: 'x', csr: goodCsr }, working()],
    [503, { activationCode: 'x', csr: goodCsr }, failing()],
  ])('a refusal with %d', async (status, body, ports) => {
    const result = await activateHandler(ports, meeting, log)(event(body))
    expect(result.statusCode).toBe(status)
    const schema = schemaOf(responseOf('/activate', 'post', status))
    expect(document.faults(schema, JSON.parse(result.body ?? ''))).toEqual([])
  })

  function portsWith(redeem: Ports['activations']['redeem']): Ports {
    return { ...new Desk().ports, activations: { redeem } } as unknown as Ports
  }

  function working(): Ports {
    return portsWith(async () => ({ refused: 'unknown' }))
  }

  function failing(): Ports {
    return portsWith(() => Promise.reject(new Error('the table does not answer')))
  }
})
