import type { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { claims } from '@heliograph/aws/claims'
import { feedback } from '@heliograph/aws/feedback'
import { notificationQueue } from '@heliograph/aws/notification-queue'
import { providerRecords } from '@heliograph/aws/operator/provider-records'
import { pendingNotifications } from '@heliograph/aws/pending-notifications'
import { deviceMessage, type Notification } from '@heliograph/core/notification'
import { MAX_TOPICS } from '@heliograph/core/trust/provider-trust'
import type {
  DeviceId,
  DeviceToken,
  Fingerprint,
  NotificationId,
  Seq,
  Topic,
} from '@heliograph/protocol/identifiers'
import { patterns } from '@heliograph/protocol/identifiers'
import {
  MAX_ACTIVATION_CHARACTERS,
  MAX_COLLAPSE_ID_BYTES,
  MAX_CSR_CHARACTERS,
  MAX_REGISTRATIONS,
  MAX_REQUEST_BYTES,
  MAX_TOKENS,
} from '@heliograph/protocol/limits'
import type { DownMessage, UpMessage } from '@heliograph/protocol/messages'
import { downTopics, upTopics } from '@heliograph/protocol/mqtt-topic'
import { pushTypes } from '@heliograph/protocol/push-type'
import { connectReasons } from '@heliograph/protocol/reasons'
import { describe, expect, test } from 'vitest'

/** The most that the protocol lets anybody send or store, against what AWS takes. */
interface Limit {
  readonly what: string
  /** Page of AWS's documentation. */
  readonly page: string
  readonly most: number
  readonly size: number
}

const topic = 'a'.repeat(255) as Topic
const deviceId = '0'.repeat(16) as DeviceId
const token = 'f'.repeat(64) as DeviceToken
const seq = `7${'Z'.repeat(25)}` as Seq
const id = 'ffffffff-ffff-ffff-ffff-ffffffffffff' as NotificationId
const longestReason = [...connectReasons].sort((a, b) => b.length - a.length)[0] ?? 'NotYourToken'
const maxPayload = Math.max(...Object.values(pushTypes).map((type) => type.maxPayload))

/** Of quotation marks, which a text inside a text doubles. */
const payload = JSON.stringify({ '': '"'.repeat((maxPayload - 8) / 2) })

const notification: Notification = {
  id,
  uniqueId: id,
  idFromProvider: false,
  seq,
  deviceId,
  topic,
  tokenFingerprint: 'f'.repeat(12),
  acceptedAt: Number.MAX_SAFE_INTEGER,
  expiration: Number.MAX_SAFE_INTEGER,
  priority: 10,
  pushType: 'liveactivity',
  collapseId: '"'.repeat(MAX_COLLAPSE_ID_BYTES),
  payload,
  seal: 'f'.repeat(128),
}

const connected: DownMessage<'connected'> = {
  accepted: [],
  renewed: Array(MAX_REGISTRATIONS).fill({ topic, token }),
  rejected: Array(MAX_TOKENS - MAX_REGISTRATIONS).fill({ token, reason: longestReason }),
}
const presented: UpMessage<'connect'> = { tokens: Array(MAX_TOKENS).fill(token) }

/** What a store writes, as DynamoDB gets it. */
async function written(write: (client: DynamoDBClient) => Promise<unknown>) {
  const items: NonNullable<PutItemCommand['input']['Item']>[] = []
  const send = async ({ input }: PutItemCommand) => {
    // a look whether it is there comes first
    if (input.Item) items.push(input.Item)
    return {}
  }
  await write({ send } as unknown as DynamoDBClient)
  return items
}

const clock = { now: () => Number.MAX_SAFE_INTEGER }
const ids = { seq: () => seq, bytes: () => new Uint8Array(), uuid: () => id }
const slots = await written((client) =>
  pendingNotifications(client, 't', async () => true).put(notification, 0),
)
const marks = await written((client) =>
  feedback(client, 't', clock, ids).write(topic, `unregistered:${deviceId}:${topic}`, {
    reason: 'Unregistered',
    timestamp: Number.MAX_SAFE_INTEGER,
    token,
  }),
)
const claimed = await written((client) => claims(client, 't', clock).claim(notification))
const provided = await written((client) =>
  providerRecords(client, 't').save({
    fingerprint: token as unknown as Fingerprint,
    topics: Array.from(
      { length: MAX_TOPICS },
      (_, index) => String(index).padStart(255, 'a') as Topic,
    ),
    serial: 'f'.repeat(40),
    subject: 'x'.repeat(1000),
    notBefore: Number.MAX_SAFE_INTEGER,
    notAfter: Number.MAX_SAFE_INTEGER,
    issuedAt: Number.MAX_SAFE_INTEGER,
  }),
)
const queued: SendMessageCommand['input'][] = []
const sqs = {
  send: async ({ input }: SendMessageCommand) => void queued.push(input),
} as unknown as SQSClient
for (const slotOnly of [true, false])
  await notificationQueue(sqs, 'q').send(notification, { slotOnly })

const bytes = (value: unknown) =>
  Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))
const most = (sizes: readonly number[]) => Math.max(...sizes)
const keys = (name: string) =>
  most([...slots, ...marks, ...claimed, ...provided].map((item) => bytes(item[name]?.S ?? '')))

/** A request with every header that Apple has, and the longest provider token that is looked at. */
const head = [
  `POST /3/device/${token} HTTP/1.1`,
  `authorization: bearer ${'x'.repeat(2048)}`,
  `apns-topic: ${topic}`,
  `apns-collapse-id: ${'x'.repeat(MAX_COLLAPSE_ID_BYTES)}`,
  `apns-id: ${id}`,
  'apns-push-type: liveactivity',
  'apns-priority: 10',
  `apns-expiration: ${Number.MAX_SAFE_INTEGER}`,
  `host: ${'x'.repeat(253)}`,
  `user-agent: ${'x'.repeat(512)}`,
].join('\r\n')

const iot = 'https://docs.aws.amazon.com/general/latest/gr/iot-core.html'
const direct = 'https://docs.aws.amazon.com/iot/latest/developerguide/direct-messaging.html'
const message =
  'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html'
const lambda = 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html'
const dynamoDb =
  'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html'
const httpApi = 'https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html'

const kB = 1024
const upstream = Object.values(upTopics('abcdefghijklmnop', deviceId))
/** Basic Ingest's prefix counts neither as bytes nor as slashes. */
const counted = upstream.map((one) => one.split('/').slice(3).join('/'))
const down = Object.values(downTopics)
const slashes = (text: string) => text.split('/').length - 1

const limits: readonly Limit[] = [
  { what: 'bytes of a client id', page: iot, most: 128, size: bytes(deviceId) },
  { what: 'bytes of a topic', page: iot, most: 256, size: most([...counted, ...down].map(bytes)) },
  {
    what: 'slashes of a topic',
    page: iot,
    most: 7,
    size: most([...counted, ...down].map(slashes)),
  },
  {
    what: "bytes of a device's own message",
    page: iot,
    most: 128 * kB,
    size: most([bytes(presented), MAX_CSR_CHARACTERS + 20, MAX_REQUEST_BYTES]),
  },
  {
    what: 'bytes of a direct message: a notification',
    page: direct,
    most: 128 * kB,
    size: bytes(deviceMessage(notification, true)),
  },
  {
    what: 'bytes of a direct message: all that a connect can be answered',
    page: direct,
    most: 128 * kB,
    size: bytes(connected),
  },
  {
    what: 'bytes of a queue message',
    page: message,
    most: kB * kB,
    size: most(queued.map(({ MessageBody }) => bytes(MessageBody))),
  },
  {
    what: 'characters of a message group',
    page: message,
    most: 128,
    size: most(queued.map(({ MessageGroupId = '' }) => MessageGroupId.length)),
  },
  {
    what: 'bytes of what a rule hands to a function or its queue of errors, in base64',
    page: message,
    most: 256 * kB,
    size: Math.ceil(MAX_REQUEST_BYTES / 3) * 4 + 2 * kB,
  },
  {
    what: 'bytes of a batch of notifications',
    page: lambda,
    most: 6 * kB * kB,
    size: 10 * 2 * bytes(queued[0]?.MessageBody),
  },
  {
    what: 'bytes of an item',
    page: dynamoDb,
    most: 400 * kB,
    size: most([...slots, ...marks, ...claimed, ...provided].map(bytes)),
  },
  {
    what: 'bytes of a partition key',
    page: dynamoDb,
    most: 2048,
    size: most(['deviceId', 'topic', 'claim', 'fingerprint'].map(keys)),
  },
  {
    what: 'bytes of a sort key',
    page: dynamoDb,
    most: 1024,
    size: most([bytes(topic), keys('entry')]),
  },
  { what: 'bytes of a request line and headers', page: httpApi, most: 10_240, size: bytes(head) },
  {
    what: 'bytes of a request body',
    page: httpApi,
    most: 10 * kB * kB,
    size: most([maxPayload, MAX_ACTIVATION_CHARACTERS * 4]),
  },
]

const excess = ({ size, most }: Limit) => Math.max(0, size - most)

describe('the protocol stays within what AWS takes', () => {
  test.each(limits.map((limit) => [limit.what, limit] as const))('%s', (_what, limit) => {
    expect(limit.size).toBeGreaterThan(0)
    expect(excess(limit)).toBe(0)
    expect(excess({ ...limit, size: limit.most + 1 })).toBe(1)
    expect(limit.page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/\S+\.html$/)
  })

  test('no topic begins with $ but those of Basic Ingest, and none is a filter', () => {
    for (const one of down) expect(one).toMatch(/^[^$#+]+$/)
    for (const one of upstream) expect(one).toMatch(/^\$aws\/rules\/[a-zA-Z0-9_]+\/[^$#+]+$/)
  })

  test('the samples are as long as identifiers may be', () => {
    expect(topic).toMatch(patterns.topic)
    expect(`${topic}a`).not.toMatch(patterns.topic)
    expect(deviceId).toMatch(patterns.deviceId)
    expect(Buffer.byteLength(payload)).toBeGreaterThan(maxPayload - 4)
  })
})
