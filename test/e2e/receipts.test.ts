import type { ReceiptAnswer } from '@heliograph/protocol/messages'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { heliograph, heliographJson, welcomeOperator } from './operator-support.ts'
import {
  openTestDevice,
  readyDevice,
  request,
  requestOn,
  settle,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'
import { bearer, connectForTokens } from './token-provider.ts'

let target: Target

beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
})

afterAll(() => target?.close())

const ask = (id: unknown) => request(target, { method: 'GET', path: `/3/notification/${id}` })

/** Outcomes are written together after a second, and SQS and Lambda take their time. */
const PATIENCE_MS = 20_000

/** The receipt once it has come to this. */
function receiptWhen(id: unknown, state: ReceiptAnswer['state']): Promise<ReceiptAnswer> {
  return until(async () => {
    const { status, body } = await ask(id)
    const receipt = status === 200 ? (JSON.parse(body) as ReceiptAnswer) : undefined
    return receipt?.state === state ? receipt : undefined
  }, PATIENCE_MS)
}

const kindsOf = ({ events }: ReceiptAnswer) => events.map(({ kind }) => kind)
const inSeconds = (seconds: number) => ({
  'apns-expiration': String(Math.floor(Date.now() / 1000) + seconds),
})

async function send(token: string, headers = {}): Promise<{ id: unknown; uniqueId: unknown }> {
  const answer = await request(target, { token, headers })
  expect(answer.status).toBe(200)
  return { id: answer.headers['apns-id'], uniqueId: answer.headers['apns-unique-id'] }
}

describe('a provider hears what became of', () => {
  it('one that was delivered, by either id', async () => {
    const { device, token } = await readyDevice(target)
    const { id, uniqueId } = await send(token)
    const receipt = await receiptWhen(id, 'delivered')
    expect(receipt).toMatchObject({ id, uniqueId, topic: 'com.example.app', pushType: 'alert' })
    expect(kindsOf(receipt)).toEqual(['accepted', 'delivered'])
    const [accepted, delivered] = receipt.events
    expect(delivered?.age).toBe((delivered?.at ?? 0) - (accepted?.at ?? 0))
    expect(JSON.parse((await ask(uniqueId)).body)).toEqual(receipt)
    await device.close()
  })

  it('one under an id of its own', async () => {
    const { device, token } = await readyDevice(target)
    const { id } = await send(token, { 'apns-id': '123e4567-E89B-12d3-a456-4266554400b1' })
    expect(kindsOf(await receiptWhen(id, 'delivered'))).toEqual(['accepted', 'delivered'])
    await device.close()
  })

  it('one that waited, and the older one that it replaced', async () => {
    const { device, directory, token } = await readyDevice(target)
    await device.close()
    const older = await send(token)
    await receiptWhen(older.id, 'stored')
    const newer = await send(token)
    const replaced = await receiptWhen(older.id, 'coalesced')
    expect(replaced.events.at(-1)?.replacedBy).toBe(newer.uniqueId)
    const { device: back } = await openTestDevice(target, directory)
    await back.connect()
    const drained = await receiptWhen(newer.id, 'drained')
    expect(kindsOf(drained)).toEqual(['accepted', 'stored', 'drained'])
    await back.close()
  })

  it('one that expired, and one that had a single attempt', async () => {
    const { device, token } = await readyDevice(target)
    await device.close()
    const once = await send(token, { 'apns-expiration': '0' })
    expect(kindsOf(await receiptWhen(once.id, 'expired'))).toEqual(['accepted', 'expired'])
    const late = await send(token, inSeconds(6))
    const expired = await receiptWhen(late.id, 'expired')
    expect(kindsOf(expired)).toEqual(['accepted', 'stored', 'expired'])
  })

  it('one whose device gave the topic up, or whose token the operator ended', async () => {
    const { device, token } = await readyDevice(target)
    await device.close()
    const { id } = await send(token)
    await receiptWhen(id, 'stored')
    expect((await heliograph(target, ['token', 'expire', token])).code).toBe(0)
    expect(kindsOf(await receiptWhen(id, 'unregistered'))).toEqual([
      'accepted',
      'stored',
      'unregistered',
    ])
  })

  it('one that came twice', async () => {
    const { device, token } = await readyDevice(target)
    const headers = { 'apns-id': '123e4567-e89b-12d3-a456-4266554400b2' }
    const first = await send(token, headers)
    await receiptWhen(first.uniqueId, 'delivered')
    const second = await send(token, headers)
    await receiptWhen(second.uniqueId, 'duplicate')
    const both = JSON.parse((await ask(first.id)).body) as ReceiptAnswer
    expect([both.uniqueId, both.others]).toEqual([second.uniqueId, [first.uniqueId]])
    await device.close()
  })

  it('one whose topic a provider key names', async () => {
    const { device, token } = await readyDevice(target)
    const { id } = await send(token)
    await receiptWhen(id, 'delivered')
    const session = connectForTokens(target)
    const path = `/3/notification/${id}`
    const headers = { authorization: bearer(target) }
    const answer = await requestOn(session, { method: 'GET', path, headers })
    session.close()
    expect([answer.status, JSON.parse(answer.body).id]).toEqual([200, id])
    await device.close()
  })
})

describe('an id without a receipt for the asker', () => {
  it('is answered alike, whoever has it', async () => {
    const { device, token } = await readyDevice(target)
    const { id } = await send(token)
    await receiptWhen(id, 'delivered')
    await settle()
    const nobody = await ask('123e4567-e89b-12d3-a456-4266554400ff')
    expect([nobody.status, nobody.reason]).toEqual([404, 'BadPath'])
    for (const other of ['x', '%7B%7D']) {
      const { status, body } = await ask(other)
      expect([status, body]).toEqual([nobody.status, nobody.body])
    }
    await device.close()
  })
})

describe('heliograph notification show', () => {
  it('tells an operator in words, and a program as JSON', async () => {
    const { device, token } = await readyDevice(target)
    const { id, uniqueId } = await send(token)
    await receiptWhen(id, 'delivered')
    const { code, out } = await heliograph(target, ['notification', 'show', String(id)])
    expect(code).toBe(0)
    for (const part of [String(uniqueId), String(device.deviceId), 'AFTER', 'delivered', ' ms'])
      expect(out).toContain(part)
    expect(out).not.toContain(token)
    const args = ['notification', 'show', String(uniqueId)] as const
    const [receipt] = await heliographJson<{ state: string }[]>(target, ...args)
    expect(receipt).toMatchObject({ id, uniqueId, state: 'delivered', deviceId: device.deviceId })
    await device.close()
  })

  it('says what is wrong with an id that leads nowhere', async () => {
    const nobody = await heliograph(target, [
      'notification',
      'show',
      '123e4567-e89b-12d3-a456-426655440000',
    ])
    expect([nobody.code, nobody.err]).toEqual([3, expect.stringContaining('no receipt is known')])
    const none = await heliograph(target, ['notification', 'show', 'x'])
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('8-4-4-4-12')])
  })
})
