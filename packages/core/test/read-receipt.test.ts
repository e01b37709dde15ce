import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { later, notification } from '../../../test/contract/samples.ts'
import { APP, certificates, Desk, UUID, VOIP } from '../../../tools/fuzz/desk.ts'
import { atOnce } from '../../../tools/simulate/ports/access.ts'
import { memoryReceipts, ReceiptStore } from '../../../tools/simulate/ports/receipts.ts'
import { outcomeOf } from '../src/outcome.ts'
import { readReceipt } from '../src/receipts/read-receipt.ts'

/** Some receipts, and a provider who asks for them. */
function office() {
  const desk = new Desk()
  const store = new ReceiptStore()
  const receipts = memoryReceipts(store, atOnce, desk.ports.clock, 3600)
  const ports = { ...desk.ports, receipts }
  const get = async (id: string, change: Parameters<Desk['request']>[0] = {}) => {
    const path = `/3/notification/${id}`
    const request = desk.request({ method: 'GET', headers: { 'apns-id': UUID }, path, ...change })
    const { status, headers, body = '{}' } = await readReceipt(request, ports)
    return { status, headers, body: JSON.parse(body) as Record<string, unknown> }
  }
  return { desk, receipts, get }
}

const mine = notification({ topic: APP })
const foreign = notification({ topic: 'com.example.foreign' as typeof APP })

describe('a provider who asks what became of a notification', () => {
  test('hears it by the apns-id and by the apns-unique-id', async () => {
    const { receipts, get } = office()
    await receipts.write([outcomeOf('delivered', mine, mine.acceptedAt + 80)])
    const { status, headers, body } = await get(mine.id)
    expect([status, headers['apns-id'], headers['content-type']]).toEqual([
      200,
      UUID,
      'application/json',
    ])
    expect(body).toEqual({
      ...{ id: mine.id, uniqueId: mine.uniqueId, topic: APP, pushType: 'alert', priority: 10 },
      state: 'delivered',
      events: [
        { kind: 'accepted', at: mine.acceptedAt, age: 0 },
        { kind: 'delivered', at: mine.acceptedAt + 80, age: 80 },
      ],
    })
    expect((await get(mine.uniqueId.toUpperCase())).body).toEqual(body)
  })

  test('never hears which device, by which token, or what', async () => {
    const { receipts, get } = office()
    await receipts.write([outcomeOf('stored', mine, mine.acceptedAt)])
    const text = JSON.stringify((await get(mine.id)).body)
    for (const secret of [mine.deviceId, mine.tokenFingerprint, mine.payload])
      expect(text).not.toContain(secret)
  })

  test('hears of every topic of the credential, and of no other', async () => {
    const { receipts, get } = office()
    const voip = notification({ topic: VOIP })
    await receipts.write([outcomeOf('delivered', voip, voip.acceptedAt)])
    expect((await get(voip.id)).status).toBe(200)
    const alone = await get(voip.id, { clientCertificate: certificates.single })
    expect(alone.status).toBe(404)
  })

  test('cannot tell an id of somebody else from one that nobody has, nor from none at all', async () => {
    const { receipts, get } = office()
    await receipts.write([outcomeOf('delivered', foreign, foreign.acceptedAt)])
    const nobody = await get(randomUUID())
    expect([nobody.status, nobody.body]).toEqual([404, { reason: 'BadPath' }])
    for (const id of [foreign.id, foreign.uniqueId, 'x', '', `${mine.id}/`, '%'])
      expect(await get(id)).toEqual(nobody)
  })

  test('hears of the newest of those that share an id, and how to ask for the others', async () => {
    const { receipts, get } = office()
    const newer = later(mine, 500, { id: mine.id })
    const theirs = later(mine, 900, { id: mine.id, topic: foreign.topic })
    const all = [mine, newer, theirs]
    await receipts.write(all.map((one) => outcomeOf('delivered', one, one.acceptedAt + 1)))
    const { body } = await get(mine.id)
    expect([body.uniqueId, body.others]).toEqual([newer.uniqueId, [mine.uniqueId]])
    expect((await get(mine.uniqueId)).body).not.toHaveProperty('others')
  })
})

test('who may not send may not ask', async () => {
  const { desk, receipts, get } = office()
  await receipts.write([outcomeOf('delivered', mine, mine.acceptedAt)])
  desk.records.clear()
  expect((await get(mine.id)).status).toBe(403)
  const { status, body } = await get(mine.id, { clientCertificate: undefined })
  expect([status, body.reason]).toEqual([403, 'MissingProviderToken'])
})

test('a key asks for its topics', async () => {
  const { desk, receipts, get } = office()
  await receipts.write([mine, foreign].map((one) => outcomeOf('delivered', one, one.acceptedAt)))
  const asKey = { tokenSource: '192.0.2.1', clientCertificate: undefined }
  const headers = { authorization: desk.issueKey([APP]) }
  expect((await get(mine.id, { ...asKey, headers })).status).toBe(200)
  expect((await get(foreign.id, { ...asKey, headers })).status).toBe(404)
})

test('asks no more often than it may send', async () => {
  const { desk, get } = office()
  for (const fingerprint of desk.records.keys()) desk.overspent.add(fingerprint)
  expect(await get(mine.id)).toMatchObject({ status: 429, body: { reason: 'TooManyRequests' } })
})

test('only GET is an answer', async () => {
  const { get } = office()
  expect((await get(mine.id, { method: 'DELETE' })).status).toBe(405)
})
