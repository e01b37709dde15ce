import {
  createSign,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  X509Certificate,
} from 'node:crypto'
import { deviceIdFromBytes } from '@heliograph/core/device-id'
import type { SigningKey, TokenKey } from '@heliograph/core/ports'
import { sealToken } from '@heliograph/core/token/token'
import { issueAuthority } from '@heliograph/core/trust/certificate'
import { fingerprintOf } from '@heliograph/core/trust/provider-trust'
import type { DeviceId, TokenKeyId, Topic } from '@heliograph/protocol/identifiers'
import { variable } from '../lambdas/settings.ts'
import { functionSettings } from '../lib/functions.ts'
import { issueProviderCertificate } from '../packages/operator/src/x509/provider-certificate.ts'

/**
 * All that accept and deliver need to work off notifications without a cloud: a provider certificate
 * of a CA made here, a token key, devices' tokens, and the events that the functions get.
 */
export interface Kit {
  readonly topic: Topic
  readonly authorityPem: string
  readonly providerPem: string
  readonly fingerprint: string
  readonly tokenKey: TokenKey
  readonly devices: readonly { readonly deviceId: DeviceId; readonly token: string }[]
}

const TOPIC = 'com.example.app' as Topic
const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2040-01-01') }

export async function makeKit(devices: number): Promise<Kit> {
  const { certificate, key } = await makeAuthority()
  const der = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'der',
    type: 'spki',
  })
  const providerPem = await issueProviderCertificate(
    { topics: [TOPIC], publicKey: der },
    validity,
    new Uint8Array(16).fill(7),
    { certificate, key },
  )
  const tokenKey: TokenKey = {
    id: '01HZZZZZZZZZZZZZZZZZZZZZZZ' as TokenKeyId,
    key: new Uint8Array(randomBytes(64)),
    state: 'primary',
    createdAt: 0,
  }
  return {
    topic: TOPIC,
    authorityPem: certificate,
    providerPem,
    fingerprint: fingerprintOf(new X509Certificate(providerPem)),
    tokenKey,
    devices: Array.from({ length: devices }, () => device(tokenKey)),
  }
}

async function makeAuthority(): Promise<{ certificate: string; key: SigningKey }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key: SigningKey = {
    algorithm: 'RSA-2048',
    sign: async (message) => createSign('sha256').update(message).sign(privateKey),
  }
  const der = publicKey.export({ format: 'der', type: 'spki' })
  const serial = new Uint8Array(16).fill(9)
  return { certificate: await issueAuthority('provider', der, validity, serial, key), key }
}

function device(tokenKey: TokenKey) {
  const deviceId = deviceIdFromBytes(new Uint8Array(randomBytes(10)))
  return { deviceId, token: sealToken(tokenKey, deviceId, TOPIC) }
}

/** A payload of this many bytes. */
export function payloadOf(bytes: number): string {
  const empty = JSON.stringify({ aps: { alert: '' } })
  return JSON.stringify({ aps: { alert: 'x'.repeat(bytes - empty.length) } })
}

/** API Gateway's payload 2.0 for one send, as far as it is seen here. */
export function acceptEvents(kit: Kit, payload: string): object[] {
  return kit.devices.map(({ token }) => ({
    version: '2.0',
    routeKey: '$default',
    rawPath: `/3/device/${token}`,
    rawQueryString: '',
    headers: {
      'apns-topic': kit.topic,
      'apns-push-type': 'alert',
      'content-length': String(payload.length),
      'user-agent': 'bench',
      host: 'push.example.com',
    },
    requestContext: {
      http: { method: 'POST', path: `/3/device/${token}`, protocol: 'HTTP/1.1' },
      authentication: { clientCert: { clientCertPem: kit.providerPem } },
    },
    body: payload,
    isBase64Encoded: false,
  }))
}

/** The same as one event and the paths of all devices; the tokens are random, and so is their order. */
export function acceptTemplate(kit: Kit, payload: string): object {
  const [template] = acceptEvents({ ...kit, devices: kit.devices.slice(0, 1) }, payload)
  const paths = kit.devices.map(({ token }) => `/3/device/${token}`)
  return { template, paths }
}

/** What the event source mapping gives deliver: batches of queue messages. */
export function deliverEvents(kit: Kit, payload: string, batchSize: number): object[] {
  const records = kit.devices.map(({ deviceId, token }) => ({
    messageId: randomUUID(),
    receiptHandle: randomUUID(),
    body: JSON.stringify(notification(kit.topic, deviceId, token, payload)),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
  }))
  const batches: object[] = []
  for (let at = 0; at + batchSize <= records.length; at += batchSize)
    batches.push({ Records: records.slice(at, at + batchSize) })
  return batches
}

function notification(topic: Topic, deviceId: DeviceId, token: string, payload: string) {
  return {
    id: randomUUID().toUpperCase(),
    idFromProvider: false,
    uniqueId: randomUUID(),
    seq: '01HZZZZZZZZZZZZZZZZZZZZZZZ',
    deviceId,
    topic,
    token,
    // not yet: what deliver gets late it looks up again, and these events grow old on the disk
    acceptedAt: Date.now() + 3_600_000,
    expiration: Math.floor(Date.now() / 1000) + 86_400,
    priority: 10,
    pushType: 'alert',
    payload,
  }
}

/** The environment of a function as Lambda and the stacks make it, with every service at `endpoint`. */
export function functionEnvironment(endpoint: string): Record<string, string> {
  const names = new Set(Object.values(functionSettings).flat())
  const tables = Object.fromEntries([...names].map((name) => [name, name.toLowerCase()]))
  return {
    ...tables,
    [variable.notificationQueue]: `${endpoint}/000000000000/notifications`,
    // as a stage on AWS has them
    [variable.receipts]: JSON.stringify({ default: 'off', topics: {} }),
    [variable.events]: JSON.stringify({ default: 'off', topics: {} }),
    [variable.countedTopics]: '[]',
    [variable.pending]: '{}',
    [variable.receiptDays]: '7',
    [variable.iotEndpoint]: 'unused.example.com',
    [variable.unsealedUntil]: '0',
    [variable.defaultLifetime]: '86400',
    [variable.trustCacheSeconds]: '30',
    [variable.registrationCacheSeconds]: '60',
    [variable.providerRateLimit]: '0',
    [variable.tokenRateLimit]: '0',
    [variable.deviceCertificateDays]: '365',
    [variable.tokenKeyGraceDays]: '30',
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    // as long as those that Lambda hands out
    AWS_SESSION_TOKEN: 'x'.repeat(600),
    AWS_ENDPOINT_URL: endpoint,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    PATH: process.env.PATH ?? '',
  }
}

/** What the stub answers, by the end of `x-amz-target` or the path. */
export function stubAnswers(kit: Kit): Record<string, unknown> {
  const text = (value: string) => ({ S: value })
  const number = (value: number) => ({ N: String(value) })
  const year2040 = Date.parse('2040-01-01')
  return {
    Scan: {
      Items: [
        {
          keyId: text(kit.tokenKey.id),
          createdAt: number(0),
          wrapped: { B: Buffer.from('wrapped').toString('base64') },
        },
      ],
      Count: 1,
    },
    Decrypt: { Plaintext: Buffer.from(kit.tokenKey.key).toString('base64'), KeyId: 'key' },
    [`GetItem ${variable.authoritiesTable.toLowerCase()}`]: {
      Item: { name: text('provider'), certificate: text(kit.authorityPem), keyArn: text('arn') },
    },
    [`GetItem ${variable.providersTable.toLowerCase()}`]: {
      Item: {
        fingerprint: text(kit.fingerprint),
        topics: { SS: [kit.topic] },
        serial: text('07'),
        subject: text('UID=com.example.app'),
        notBefore: number(0),
        notAfter: number(year2040),
        issuedAt: number(0),
      },
    },
    [`GetItem ${variable.registrationsTable.toLowerCase()}`]: {
      Item: {
        deviceId: text('0000000000000000'),
        topic: text(kit.topic),
        state: text('live'),
        registeredAt: number(0),
      },
    },
    SendMessage: { MessageId: randomUUID(), MD5OfMessageBody: 'd41d8cd98f00b204e9800998ecf8427e' },
    messages: { message: 'Message delivered.', traceId: randomUUID() },
  }
}
