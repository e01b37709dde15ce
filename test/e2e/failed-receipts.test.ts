import { randomUUID } from 'node:crypto'
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BeforeService } from '../../packages/embedded-cloud/src/endpoint.ts'
import { forbidDevice } from './forbidden-device.ts'
import { heliographJson, welcomeOperator } from './operator-support.ts'
import { sendFor, toldAlike } from './receipt-support.ts'
import { clientOptions, readyDevice, startTarget, stateOutputs, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target
let areClaimsBroken = false

beforeAll(async () => {
  target = await startTarget({ beforeService })
  welcomeOperator(target)
})

afterAll(() => target?.close())

/** Breaks the table of claims, and has what deliver puts off come back at once: its pauses are minutes. */
const beforeService: BeforeService = async ({ service, action, request }) => {
  const { caller, body } = request
  if (!areClaimsBroken || caller.name === 'operator') return undefined
  const input = body.toString('utf8')
  if (service === 'dynamodb' && input.includes(String(stateOutputs(target).ClaimsTable)))
    return refused
  if (action !== 'ChangeMessageVisibility') return undefined
  const sqs = new SQSClient(clientOptions(target))
  const { QueueUrl, ReceiptHandle } = JSON.parse(input)
  await sqs.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
  )
  sqs.destroy()
  return refused
}

const refused = {
  outcome: 'answer',
  status: 400,
  code: 'ValidationException',
  message: 'out of order for the test',
} as const

it('tells of one whose device may not receive', async () => {
  const { device, token } = await readyDevice(target)
  const allow = await forbidDevice(target, device.deviceId)
  const sent = await sendFor(target, { token })
  expect(await toldAlike(target, sent, 'undeliverable')).toEqual(['accepted', 'undeliverable'])
  await allow()
  await device.close()
})

it('tells of one that was given up, and of what became of it after that', async () => {
  const { device, token } = await readyDevice(target)
  areClaimsBroken = true
  // only an id that the provider chose is claimed
  const sent = await sendFor(target, { token, headers: { 'apns-id': randomUUID() } })
  expect(await toldAlike(target, sent, 'dead-lettered')).toEqual(['accepted', 'dead-lettered'])
  areClaimsBroken = false
  await until(async () => {
    const answer = await heliographJson<{ redriven: number }>(target, ...redrive)
    return answer.redriven === 1 || undefined
  })
  const kinds = await toldAlike(target, sent, 'delivered')
  expect(kinds).toEqual(['accepted', 'dead-lettered', 'delivered'])
  await device.close()
})

const redrive = ['dlq', 'redrive', 'notifications'] as const
