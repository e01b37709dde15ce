import { randomUUID } from 'node:crypto'
import {
  type AttributeValue,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { parseNotification, serializeNotification } from '@heliograph/core/notification'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  clientOptions,
  openTestDevice,
  pendingTexts,
  readyDevice,
  request,
  startTarget,
  stateOutputs,
  until,
} from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/** Somebody may write the pending table, or send to the queue, and wants a device to show his words. */

let target: Target
let dynamoDb: DynamoDBClient
beforeAll(async () => {
  target = await startTarget()
  dynamoDb = new DynamoDBClient(clientOptions(target))
})
afterAll(async () => {
  dynamoDb?.destroy()
  await target?.close()
})

test('a forged queue message and a forged slot reach no device, the genuine ones do', async () => {
  const { device, directory, token } = await readyDevice(target)
  await device.close()
  const send = (alert: string) =>
    request(target, { token, body: JSON.stringify({ aps: { alert } }) })
  await send('genuine')
  const genuine = await until(async () => {
    const text = (await pendingTexts(target)).find((one) => one.includes('genuine'))
    return text === undefined ? undefined : parseNotification(text)
  })
  const forged = (alert: string, seal = genuine.seal) =>
    serializeNotification({ ...genuine, payload: JSON.stringify({ aps: { alert } }), seal })

  const { PendingTable: TableName, NotificationQueue: QueueUrl } = stateOutputs(target)
  const { Items: items = [] } = await dynamoDb.send(new ScanCommand({ TableName }))
  const slot = items.find((item) => item.notification?.S?.includes('genuine'))
  await dynamoDb.send(
    new PutItemCommand({
      TableName,
      Item: { ...slot, notification: { S: forged('in the slot') } },
    }),
  )
  const back = await openTestDevice(target, directory)
  await back.device.connect()

  const sqs = new SQSClient(clientOptions(target))
  for (const seal of [genuine.seal, '', 'A'.repeat(22)]) {
    const MessageBody = forged('in the queue', seal)
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: 'x' }))
  }
  await until(() => target.logs.some((line) => line.includes('no good seal')) || undefined)
  await send('after all')
  await until(
    () => back.received.some((one) => JSON.stringify(one).includes('after all')) || undefined,
  )
  const texts = JSON.stringify(back.received)
  expect(texts).not.toContain('in the slot')
  expect(texts).not.toContain('in the queue')
  sqs.destroy()
  await back.device.close()
})

/** A device that is away, a genuine notification in its slot, and the row of that. */
async function storedFor(alert: string) {
  const { device, directory, token } = await readyDevice(target)
  await device.close()
  const send = (text: string) =>
    request(target, { token, body: JSON.stringify({ aps: { alert: text } }) })
  await send(alert)
  const row = await until(async () => {
    const { Items: items = [] } = await dynamoDb.send(
      new ScanCommand({ TableName: pendingTable() }),
    )
    return items.find((item) => item.notification?.S?.includes(alert))
  })
  const genuine = parseNotification(row.notification?.S ?? '')
  if (!genuine) throw new Error('the row is not readable')
  return { directory, send, row, genuine }
}

const pendingTable = () => stateOutputs(target).PendingTable
const put = (Item: Record<string, AttributeValue>) =>
  dynamoDb.send(new PutItemCommand({ TableName: pendingTable(), Item }))
const LATER = 'Z'.repeat(26)

test.each([
  ['a forged notification that is newer than all others', { seal: 'A'.repeat(22) }],
  ['a genuine one that was copied, under a seq that is newer than all others', {}],
])('%s keeps no genuine one out of the slot', async (what, changes) => {
  const first = `first: ${what}`
  const { directory, send, row, genuine } = await storedFor(first)
  const notification = serializeNotification({ ...genuine, ...changes })
  await put({ ...row, seq: { S: LATER }, notification: { S: notification } })
  const newest = `newest: ${what}`
  await send(newest)
  await until(
    async () => (await pendingTexts(target)).some((one) => one.includes(newest)) || undefined,
  )
  const back = await openTestDevice(target, directory)
  await back.device.connect()
  await until(() => back.received.length > 0 || undefined)
  expect(back.received).toMatchObject([{ payload: { aps: { alert: newest } } }])
  await back.device.close()
})

test('a forged row that runs out tells its provider nothing', async () => {
  const { row, genuine } = await storedFor('runs out')
  const id = randomUUID()
  const expiration = Math.floor(Date.now() / 1000) - 1
  const forged = serializeNotification({ ...genuine, id: id as typeof genuine.id, expiration })
  await put({ ...row, expiresAt: { N: String(expiration) }, notification: { S: forged } })
  await until(
    () =>
      target.logs.some((line) => line.includes('an expired slot has no good seal')) || undefined,
  )
  const { body } = await request(target, { method: 'GET', path: '/3/feedback' })
  expect(body).not.toContain(id)
})
