import { rejectionAnswer } from '@heliograph/core/send/answer'
import type { NotificationId } from '@heliograph/protocol/identifiers'
import { reject } from '@heliograph/protocol/rejection'
import { describe, expect, it, vi } from 'vitest'
import { acceptHandler } from '../../lambdas/accept/handler.ts'
import {
  ANSWER_WITHIN_MS,
  answerInTime,
  answerTimeMs,
  type HttpEvent,
  httpResult,
  providerRequest,
} from '../../lambdas/http.ts'
import { Desk, NOW, UUID } from '../../tools/fuzz/desk.ts'

function eventOf(change: Partial<HttpEvent> & { timeEpoch?: number } = {}): HttpEvent {
  const { timeEpoch, ...rest } = change
  return {
    rawPath: '/3/device/00',
    headers: {},
    isBase64Encoded: false,
    requestContext: { http: { method: 'POST' }, ...(timeEpoch !== undefined && { timeEpoch }) },
    ...rest,
  }
}

describe('the request of an event', () => {
  it('has the bytes of the body, however the gateway passed them on', () => {
    const bytes = Buffer.from('{"t":"é🛰"}')
    const text = bytes.toString('utf8')
    const length = { 'content-length': String(bytes.length) }
    expect(providerRequest(eventOf({ body: text, headers: length })).body).toEqual(bytes)
    const encoded = { body: bytes.toString('base64'), isBase64Encoded: true }
    expect(providerRequest(eventOf(encoded)).body).toEqual(bytes)
    expect(providerRequest(eventOf()).body).toEqual(Buffer.alloc(0))
  })

  it('says so where the gateway replaced bytes that were no UTF-8', () => {
    const sent = Buffer.from([0x7b, 0xff, 0x7d])
    const headers = { 'content-length': String(sent.length) }
    const body = sent.toString('utf8')
    expect(providerRequest(eventOf({ body, headers })).body).toBe('not-utf8')
    const honest = '{"t":"\ufffd"}'
    const stated = { 'content-length': String(Buffer.byteLength(honest)) }
    const request = providerRequest(eventOf({ body: honest, headers: stated }))
    expect(request.body).toEqual(Buffer.from(honest))
  })

  it('has no certificate where the gateway gives none, an empty one or null', () => {
    for (const clientCertPem of [undefined, '', null]) {
      const authentication = { clientCert: { clientCertPem } }
      const event = eventOf()
      const requestContext = {
        ...event.requestContext,
        authentication,
      } as HttpEvent['requestContext']
      expect(providerRequest({ ...event, requestContext }).clientCertificate).toBeUndefined()
    }
  })
})

describe('a request by the token domain', () => {
  const byToken = (change: object = {}, rawPath = '/tokens/3/device/00') => {
    const requestContext = {
      http: { method: 'POST', sourceIp: '192.0.2.1' },
      stage: 'tokens',
      ...change,
    }
    return providerRequest({ ...eventOf(), rawPath, requestContext })
  }

  it('has the address that it came from, and its path without the stage', () => {
    expect(byToken()).toMatchObject({ path: '/3/device/00', tokenSource: '192.0.2.1' })
    expect(byToken({}, '/3/device/00').path).toBe('/3/device/00')
    expect(byToken({}, '/tokens/tokens/3').path).toBe('/tokens/3')
    expect(byToken({ http: { method: 'POST' } }).tokenSource).toBe('unknown')
  })

  it('has no certificate, whatever says that it has one', () => {
    const authentication = { clientCert: { clientCertPem: 'pem' } }
    expect(byToken({ authentication }).clientCertificate).toBeUndefined()
  })

  it('is none where the mapping of the domain did not lead there', () => {
    for (const stage of [undefined, '$default', 'Tokens']) {
      const request = byToken({ stage })
      expect(request.tokenSource).toBeUndefined()
      expect(request.path).toBe('/tokens/3/device/00')
    }
  })
})

describe('the time to answer', () => {
  it('counts from when the gateway had the request, and is never none at all', () => {
    expect(answerTimeMs(eventOf(), NOW)).toBe(ANSWER_WITHIN_MS)
    expect(answerTimeMs(eventOf({ timeEpoch: NOW - 2_000 }), NOW)).toBe(ANSWER_WITHIN_MS - 2_000)
    expect(answerTimeMs(eventOf({ timeEpoch: NOW - 60_000 }), NOW)).toBe(1_000)
    expect(answerTimeMs(eventOf({ timeEpoch: NOW + 60_000 }), NOW)).toBe(ANSWER_WITHIN_MS)
  })

  it('over, or the work failed: 503 with the id of the request', async () => {
    vi.useFakeTimers()
    try {
      const faults: unknown[] = []
      const answering = {
        uuid: () => UUID,
        now: () => NOW,
        onFault: (fault: unknown) => faults.push(fault),
      }
      const event = eventOf({ headers: { 'apns-id': UUID } })
      const late = answerInTime(event, { ...answering, work: () => new Promise(() => {}) })
      await vi.advanceTimersByTimeAsync(ANSWER_WITHIN_MS)
      const failed = await answerInTime(event, {
        ...answering,
        work: () => Promise.reject(new Error('table')),
      })
      for (const answer of [await late, failed]) {
        expect(answer).toMatchObject({ status: 503, body: '{"reason":"ServiceUnavailable"}' })
        expect(answer.headers['apns-id']).toBe(UUID)
      }
      expect(faults.map(String)).toEqual(['Error: no answer within 4500 ms', 'Error: table'])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a call about channels that fails', () => {
  const answering = { uuid: () => 'never', now: () => NOW, onFault: () => {} }
  const fail = (rawPath: string, stage = '$default') =>
    answerInTime(
      eventOf({
        rawPath,
        headers: { 'apns-id': UUID, 'apns-request-id': UUID },
        requestContext: { http: { method: 'GET' }, stage },
      }),
      { ...answering, work: () => Promise.reject(new Error('table')) },
    )

  it('has the id of its request, at either domain', async () => {
    for (const one of [
      fail('/1/apps/com.example.app/all-channels'),
      fail('/tokens/4/broadcasts/apps/com.example.app', 'tokens'),
    ])
      expect(await one).toMatchObject({ status: 503, headers: { 'apns-request-id': UUID } })
  })

  it('has an id that no notification has', async () => {
    expect((await fail('/3/device/00')).headers).not.toHaveProperty('apns-request-id')
  })
})

describe('the accept function', () => {
  it('logs a refusal with its detail and without the device token', async () => {
    const desk = new Desk()
    const lines: unknown[] = []
    const log = { info: (...line: unknown[]) => lines.push(line), warn: () => {}, error: () => {} }
    const result = await acceptHandler(
      desk.ports,
      log,
    )(eventOf({ rawPath: `/3/device/${desk.token()}` }))
    expect(result).toMatchObject({ statusCode: 403, body: '{"reason":"MissingProviderToken"}' })
    expect(JSON.stringify(lines)).toContain('without a client certificate')
    expect(JSON.stringify(lines)).not.toContain(desk.token())
  })

  it('answers 200 without a body, so that the gateway sends none', () => {
    expect(httpResult({ status: 200, headers: { a: 'b' } })).toEqual({
      statusCode: 200,
      headers: { a: 'b' },
    })
    const answer = rejectionAnswer(UUID as NotificationId, reject('BadPath', 'x'))
    expect(httpResult(answer).body).toBe('{"reason":"BadPath"}')
  })
})
