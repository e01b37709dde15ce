import { randomUUID } from 'node:crypto'
import {
  DynamoDBClient,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  clientOptions,
  readyDevice,
  request,
  startTarget,
  stateOutputs,
  until,
} from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/** Whoever reads the tables (a backup, an export, a role that is too wide) looks for tokens to send to. */

let target: Target
let client: DynamoDBClient
beforeAll(async () => {
  target = await startTarget()
  client = new DynamoDBClient(clientOptions(target))
})
afterAll(async () => {
  client.destroy()
  await target.close()
})

async function everything(): Promise<string> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({}))
  const pages = await Promise.all(
    TableNames.map((TableName) =>
      client.send(new ScanCommand({ TableName, ConsistentRead: true })),
    ),
  )
  return JSON.stringify(pages.map(({ Items }) => Items))
}

test('no table holds a live token, whatever has become of its notifications', async () => {
  const { device, token } = await readyDevice(target)
  const send = (alert: string, headers: Record<string, string> = {}) =>
    request(target, { token, headers, body: JSON.stringify({ aps: { alert } }) })
  // one that the device has had, with an id that may come again
  await send('delivered', { 'apns-id': randomUUID() })
  await device.close()
  const lost = randomUUID()
  await send('lost', { 'apns-id': lost, 'apns-expiration': '0' })
  await send('waiting')
  const text = await until(async () => {
    const found = await everything()
    return ['waiting', lost.toUpperCase(), 'Expired'].every((word) =>
      found.toUpperCase().includes(word.toUpperCase()),
    )
      ? found
      : undefined
  })
  expect(text.toLowerCase()).not.toContain(token)
  const { body } = await request(target, { method: 'GET', path: '/3/feedback' })
  expect(body).not.toContain(token)
  expect(JSON.parse(body).feedback).toMatchObject([{ id: lost, reason: 'Expired' }])
})

test('rows that an earlier version wrote are read, and their tokens not handed out', async () => {
  const { token } = await readyDevice(target)
  const id = randomUUID()
  const { topic } = target.local.provider
  const row = {
    topic,
    entry: '01M84DPNHAYZ7515QD4F9WV4G1',
    token,
    timestamp: 1,
    reason: 'Expired',
    id,
  }
  const Item = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'number' ? { N: String(value) } : { S: value },
    ]),
  )
  await client.send(new PutItemCommand({ TableName: stateOutputs(target).FeedbackTable, Item }))
  const { status, body } = await request(target, { method: 'GET', path: '/3/feedback' })
  expect(status).toBe(200)
  expect(JSON.parse(body).feedback).toContainEqual({ id, reason: 'Expired', timestamp: 1 })
  expect(body).not.toContain(token)
})
