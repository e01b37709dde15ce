import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { ReceiptAnswer } from '@heliograph/protocol/messages'
import { describe, expect, it } from 'vitest'
import { issueProvider } from '../../packages/operator/src/operations/issue-provider.ts'
import { heliograph, heliographJson, openFor, welcomeOperator } from './operator-support.ts'
import { askReceipt, receiptWhen, type SentIds, sendFor, toldAlike } from './receipt-support.ts'
import { sharing } from './shared-target.ts'
import { openTestDevice, readyDevice, requestOn, settle } from './support.ts'
import type { Target } from './target.ts'
import { bearer, connectForTokens } from './token-provider.ts'

let target: Target

sharing.beforeAll(({ target: shared }) => {
  target = shared
  welcomeOperator(target)
})

const ask = (id: string) => askReceipt(target, id)
const send = (token: string, headers = {}) => sendFor(target, { token, headers })
const told = (sent: SentIds, state: ReceiptAnswer['state']) => toldAlike(target, sent, state)
const inSeconds = (seconds: number) => ({
  'apns-expiration': String(Math.floor(Date.now() / 1000) + seconds),
})

describe.concurrent('a provider hears what became of', () => {
  it('one that was delivered', async () => {
    const { device, token } = await readyDevice(target)
    const sent = await send(token)
    expect(await told(sent, 'delivered')).toEqual(['accepted', 'delivered'])
    const receipt = await receiptWhen(target, sent.id, 'delivered')
    expect(receipt).toMatchObject({ topic: 'com.example.app', pushType: 'alert' })
    const [accepted, delivered] = receipt.events
    expect(delivered?.age).toBe((delivered?.at ?? 0) - (accepted?.at ?? 0))
    await device.close()
  })

  it('one under an id of its own', async () => {
    const { device, token } = await readyDevice(target)
    const sent = await send(token, { 'apns-id': '123e4567-E89B-12d3-a456-4266554400b1' })
    expect(await told(sent, 'delivered')).toEqual(['accepted', 'delivered'])
    await device.close()
  })

  it('one that waited, and the older one that it replaced', async () => {
    const { device, directory, token } = await readyDevice(target)
    await device.close()
    const older = await send(token)
    expect(await told(older, 'stored')).toEqual(['accepted', 'stored'])
    const newer = await send(token)
    expect(await told(older, 'coalesced')).toEqual(['accepted', 'stored', 'coalesced'])
    const replaced = await receiptWhen(target, older.id, 'coalesced')
    expect(replaced.events.at(-1)?.replacedBy).toBe(newer.uniqueId)
    const { out } = await heliograph(target, ['notification', 'show', older.id])
    expect(out).toContain(`replaced by a newer one (${newer.uniqueId})`)
    const { device: back } = await openTestDevice(target, directory)
    await back.connect()
    expect(await told(newer, 'drained')).toEqual(['accepted', 'stored', 'drained'])
    await back.close()
  })

  it('one that expired, and one that had a single attempt', async () => {
    const { device, token } = await readyDevice(target)
    await device.close()
    const once = await send(token, { 'apns-expiration': '0' })
    expect(await told(once, 'expired')).toEqual(['accepted', 'expired'])
    const late = await send(token, inSeconds(6))
    expect(await told(late, 'expired')).toEqual(['accepted', 'stored', 'expired'])
  })

  it('one whose device gave the topic up, or whose token the operator ended', async () => {
    const { device, token } = await readyDevice(target)
    await device.close()
    const sent = await send(token)
    await receiptWhen(target, sent.id, 'stored')
    expect((await heliograph(target, ['token', 'expire', token])).code).toBe(0)
    expect(await told(sent, 'unregistered')).toEqual(['accepted', 'stored', 'unregistered'])
  })

  it('one that came twice', async () => {
    const { device, token } = await readyDevice(target)
    const headers = { 'apns-id': '123e4567-e89b-12d3-a456-4266554400b2' }
    const first = await send(token, headers)
    await receiptWhen(target, first.uniqueId, 'delivered')
    const second = await send(token, headers)
    const repeated = await receiptWhen(target, second.uniqueId, 'duplicate')
    expect(repeated.events.map(({ kind }) => kind)).toEqual(['accepted', 'duplicate'])
    const both = JSON.parse((await ask(first.id)).body) as ReceiptAnswer
    expect([both.uniqueId, both.others]).toEqual([second.uniqueId, [first.uniqueId]])
    const shown = await heliographJson<ReceiptAnswer[]>(target, 'notification', 'show', first.id)
    expect(shown.map(({ uniqueId, state }) => [uniqueId, state])).toEqual([
      [second.uniqueId, 'duplicate'],
      [first.uniqueId, 'delivered'],
    ])
    await device.close()
  })

  it('one whose topic a provider key names', async () => {
    const { device, token } = await readyDevice(target)
    const { id } = await send(token)
    await receiptWhen(target, id, 'delivered')
    const session = connectForTokens(target)
    const path = `/3/notification/${id}`
    const headers = { authorization: bearer(target) }
    const answer = await requestOn(session, { method: 'GET', path, headers })
    session.close()
    expect([answer.status, JSON.parse(answer.body).id]).toEqual([200, id])
    await device.close()
  })
})

describe.concurrent('an id without a receipt for the asker', () => {
  it('is answered alike, whoever has it', async () => {
    const { device, token } = await readyDevice(target)
    const { id, uniqueId } = await send(token)
    await receiptWhen(target, id, 'delivered')
    await settle()
    const nobody = await ask('123e4567-e89b-12d3-a456-4266554400ff')
    expect([nobody.status, nobody.reason]).toEqual([404, 'BadPath'])
    for (const other of ['x', '%7B%7D']) {
      const { status, body } = await ask(other)
      expect([status, body]).toEqual([nobody.status, nobody.body])
    }
    const answers = await askAsAnother([id, uniqueId])
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [nobody.status, nobody.body],
      [nobody.status, nobody.body],
    ])
    await device.close()
  })
})

/** What the provider of another app hears about these ids. */
async function askAsAnother(ids: readonly string[]) {
  const deployment = await openFor(target)
  const { certificatePem: cert, keyPem: key } = await issueProvider(deployment, {
    topics: ['com.other.receipts'],
  })
  await deployment.close()
  const { url, ca } = target.local.provider
  const session = http2.connect(url, { ca: readFileSync(ca), cert, key })
  const paths = ids.map((id) => `/3/notification/${id}`)
  const answers = await Promise.all(
    paths.map((path) => requestOn(session, { method: 'GET', path })),
  )
  session.close()
  return answers
}

describe.concurrent('heliograph notification show', () => {
  it('tells an operator in words, and a program as JSON', async () => {
    const { device, token } = await readyDevice(target)
    const { id, uniqueId } = await send(token)
    await receiptWhen(target, id, 'delivered')
    const { code, out } = await heliograph(target, ['notification', 'show', id])
    expect(code).toBe(0)
    for (const part of [uniqueId, String(device.deviceId), 'AFTER', 'delivered', ' ms'])
      expect(out).toContain(part)
    expect(out).not.toContain(token)
    const args = ['notification', 'show', uniqueId] as const
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
    expect([nobody.code, nobody.err]).toEqual([3, expect.stringContaining('there is no receipt')])
    const none = await heliograph(target, ['notification', 'show', 'x'])
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('8-4-4-4-12')])
  })
})
