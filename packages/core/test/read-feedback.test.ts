import type { DeviceToken, NotificationId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { ulid } from 'ulid'
import { expect, test } from 'vitest'
import { APP, certificates, Desk, NOW, UUID, VOIP } from '../../../tools/fuzz/desk.ts'
import type { FeedbackRow } from '../src/ports.ts'
import { type FeedbackPorts, readFeedback } from '../src/send/feedback.ts'

const token = 'ab'.repeat(32) as DeviceToken

const placed = (ageMs: number) => ({
  entry: ulid(NOW - ageMs) as Seq,
  timestamp: NOW - ageMs,
})
const row = (ageMs: number) => ({ ...placed(ageMs), reason: 'Unregistered', token }) as const

/** A desk whose feedback is these rows; it keeps what was asked of it. */
function deskWith(rows: readonly FeedbackRow[] = []) {
  const desk = new Desk()
  const asked: { topic: Topic; after: Seq | undefined; limit: number }[] = []
  const read: FeedbackPorts['feedback']['read'] = async (topic, after, limit) => {
    asked.push({ topic, after, limit })
    return rows.filter(({ entry }) => after === undefined || entry > after)
  }
  const ports = { ...desk.ports, feedback: { read } }
  const get = async (change: Parameters<Desk['request']>[0] = {}) => {
    const request = desk.request({ method: 'GET', headers: {}, path: '/3/feedback', ...change })
    const { status, headers, body = '{}' } = await readFeedback(request, ports)
    return { status, headers, body: JSON.parse(body) as Record<string, unknown> }
  }
  return { desk, asked, get }
}

test('a page is JSON: entries as a provider may see them, and a cursor', async () => {
  const dead = row(60_000)
  const lost = { ...placed(30_000), reason: 'Expired', id: UUID as NotificationId } as const
  const { get } = deskWith([dead, lost])
  const { status, headers, body } = await get({ headers: { 'apns-id': UUID } })
  expect(status).toBe(200)
  expect(headers).toEqual({ 'content-type': 'application/json', 'apns-id': UUID })
  expect(body).toEqual({
    feedback: [
      { token, timestamp: dead.timestamp, reason: 'Unregistered' },
      { id: UUID, timestamp: lost.timestamp, reason: 'Expired' },
    ],
    cursor: lost.entry,
  })
})

test('a reader goes on where it stood', async () => {
  const [first, second] = [row(60_000), row(30_000)]
  const { get, asked } = deskWith([first, second])
  const { body } = await get({ query: { after: first.entry } })
  expect(body).toMatchObject({ feedback: [{ timestamp: second.timestamp }], cursor: second.entry })
  expect(asked).toEqual([{ topic: APP, after: first.entry, limit: 500 }])
  expect((await get({ query: { after: second.entry } })).body).toEqual({
    feedback: [],
    cursor: second.entry,
  })
})

test('nothing to tell is an empty page, with a cursor from which to go on', async () => {
  const { get, asked } = deskWith()
  expect((await get()).body).toEqual({ feedback: [], cursor: '' })
  expect(asked).toEqual([{ topic: APP, after: undefined, limit: 500 }])
})

test('what is too young to have settled is told once', async () => {
  const young = row(1_000)
  const { get } = deskWith([young])
  const { body } = await get()
  expect(body).toMatchObject({ feedback: [{ timestamp: young.timestamp }] })
  expect(body.cursor).toBe(`.${young.entry}`)
  expect((await get({ query: { after: String(body.cursor) } })).body).toEqual({
    feedback: [],
    cursor: `.${young.entry}`,
  })
})

test('the topic is that of the query, else of the header, else the first of the certificate', async () => {
  const { get, asked } = deskWith()
  await get({ query: { topic: VOIP }, headers: { 'apns-topic': APP } })
  await get({ headers: { 'apns-topic': VOIP } })
  await get()
  expect(asked.map(({ topic }) => topic)).toEqual([VOIP, VOIP, APP])
})

test.each([
  ['MethodNotAllowed', 405, { method: 'POST' }],
  ['MissingProviderToken', 403, { clientCertificate: undefined }],
  ['BadTopic', 400, { query: { topic: 'com.other' } }],
  ['BadTopic', 400, { query: { topic: VOIP }, clientCertificate: certificates.single }],
  ['BadPath', 404, { query: { after: 'nonsense' } }],
])('%s (%i) reads nothing', async (reason, status, change) => {
  const { get, asked } = deskWith([row(60_000)])
  const answer = await get(change)
  expect(answer).toMatchObject({ status, body: { reason } })
  expect(answer.headers['apns-id']).toMatch(/^[0-9A-F-]{36}$/)
  expect(asked).toEqual([])
})

test('a certificate that was revoked reads nothing', async () => {
  const { desk, get, asked } = deskWith([row(60_000)])
  for (const [fingerprint, record] of desk.records)
    desk.records.set(fingerprint, { ...record, revokedAt: NOW - 1 })
  expect(await get()).toMatchObject({ status: 403, body: { reason: 'BadCertificate' } })
  expect(asked).toEqual([])
})
