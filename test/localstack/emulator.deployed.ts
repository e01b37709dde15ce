import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import {
  clientOptions,
  readyDevice,
  request,
  startTarget,
  stateOutputs,
  until,
} from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

let target: Target

beforeAll(async () => {
  target = await startTarget()
})

afterAll(() => target?.close())

describe('the emulator itself', () => {
  it("hands its own API Gateway's event to activate", async () => {
    const csr = await makeRequest(makePrivateKey())
    const answer = await fetch(activationAddress(target), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ csr, activationCode: target.local.activation.code }),
    })
    const activation = (await answer.json()) as { deviceId: string; certificate: string }
    expect(answer.status).toBe(201)
    expect(activation.deviceId).toMatch(/^[0-9a-hjkmnp-tv-z]{16}$/)
    expect(activation.certificate).toContain('BEGIN CERTIFICATE')
  })

  it('runs expire on the record that DynamoDB makes of an expired slot', async () => {
    const { device, token } = await readyDevice(target)
    await device.close()
    const body = '{"aps":{"alert":"too late"}}'
    const { headers } = await request(target, { token, body })
    const OldImage = await until(() => slotHolding(target, 'too late'))
    const record = {
      eventName: 'REMOVE',
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      dynamodb: { SequenceNumber: '1', OldImage },
    }
    expect(await invoke(target, 'ExpireFunction', { Records: [record] })).toEqual({
      batchItemFailures: [],
    })
    expect(await feedbackOn(target, String(headers['apns-id']))).toMatchObject({
      reason: 'Expired',
    })
  })
})

async function slotHolding(target: Target, text: string) {
  const client = new DynamoDBClient(clientOptions(target))
  const { PendingTable: TableName } = stateOutputs(target)
  const { Items: items = [] } = await client.send(new ScanCommand({ TableName }))
  client.destroy()
  return items.find((item) => item.notification?.S?.includes(text))
}

async function invoke(target: Target, output: string, event: object): Promise<unknown> {
  const client = new LambdaClient(clientOptions(target))
  const { [output]: FunctionName } =
    target.cloud.stackOutputs()[`Heliograph-${target.stage}-Devices`] ?? {}
  const Payload = JSON.stringify(event)
  const answer = await client.send(new InvokeCommand({ FunctionName, Payload }))
  client.destroy()
  return JSON.parse(answer.Payload?.transformToString() ?? 'null')
}

/** An entry shows a little after it is written, so that paging skips none. */
function feedbackOn(target: Target, notificationId: string): Promise<object> {
  return until(async () => {
    const { body } = await request(target, { method: 'GET', path: '/3/feedback' })
    const { feedback } = JSON.parse(body) as { readonly feedback: { readonly id?: string }[] }
    return feedback.find(({ id }) => id === notificationId)
  }, 30_000)
}

/** By path, because not every system resolves names under `localhost`. */
function activationAddress({ cloud, stage }: Target): string {
  const { ActivationUrl: url = '' } = cloud.stackOutputs()[`Heliograph-${stage}-Devices`] ?? {}
  const [id] = new URL(url).hostname.split('.')
  return `${cloud.endpoint}/_aws/execute-api/${id}/$default/activate`
}
