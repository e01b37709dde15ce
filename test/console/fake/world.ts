import type {
  CredentialView,
  DeadLetterView,
  DeviceListed,
  Endpoints,
  Explanation,
  Job,
  OverviewPart,
  ProviderCertificate,
  ProviderKeyView,
  Streams,
} from 'heliograph/console/api'
import { type Handlers, Refusal, type StreamHandlers } from './server.ts'

type Announcement = Streams['GET /api/events']['events']['event']

const NOW = Date.now()
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const ids = {
  token: '5f3a9c0b7e1d4826aa31c95e0d7b4f16c2e8a9035b7d1f46e0c3a8b5d2f79e14',
  device: 'pw089dnp78qzt8b4',
  notification: '73cc3989-a2d3-45f9-9a8f-77a6ff390310',
  topic: 'com.example.app',
}
export const known = ids

/** What devices and providers can write into what an operator sees. */
export interface Words {
  /** Stands wherever the service takes a text as somebody else made it. */
  readonly foreign: string
}

const good: Explanation = {
  meaning: 'The service has the notification in its queue.',
  advice: 'Nothing is to be done. Its receipt says what becomes of it.',
}

export function overviewParts(words: Words): readonly OverviewPart[] {
  return [ratesPart(), queuesPart(), devicesPart(), alarmsPart(words)]
}

function ratesPart(): OverviewPart {
  const since = NOW - 60 * MINUTE
  const wave = (place: number, size: number) =>
    Math.round(size * (1.5 + Math.sin(place / 5) + 0.4 * Math.sin(place * 1.7)))
  const topic = (name: string, size: number) => ({
    topic: name,
    counts: {
      accepted: 48 * size,
      stored: 5 * size,
      delivered: 41 * size,
      drained: 4 * size,
      coalesced: size,
      expired: Math.round(size / 3),
      unregistered: Math.round(size / 6),
      undeliverable: 0,
      duplicate: 0,
      'dead-lettered': 0,
    },
    pushTypes: { alert: 40 * size },
    priorities: { 10: 40 * size },
    online: { p50: 38, p90: 96, p99: 412 },
    parts: Array.from({ length: 48 }, (_, place) => ({
      at: since + place * 75_000,
      received: wave(place, size),
      delivered: Math.max(0, wave(place - 0.6, size) - Math.round(size / 5)),
    })),
  })
  const value = {
    span: { since, until: NOW, parts: 48 },
    topics: [
      topic(ids.topic, 240),
      topic(`${ids.topic}.voip`, 60),
      topic('org.example.signage', 21),
    ],
  }
  return { part: 'rates', at: NOW, refreshSeconds: 10, value } as OverviewPart
}

function queuesPart(): OverviewPart {
  const value = {
    queues: [
      { name: 'notifications', kind: 'work', waiting: 12, inFlight: 8, oldestSeconds: 1 },
      { name: 'slots', kind: 'work', waiting: 0, inFlight: 0 },
      { name: 'notifications', kind: 'deadLetters', waiting: 3, oldestSeconds: 86_430 },
      { name: 'events', kind: 'deadLetters', waiting: 0 },
    ] as const,
  }
  return { part: 'queues', at: NOW, refreshSeconds: 10, value: { queues: [...value.queues] } }
}

function devicesPart(): OverviewPart {
  const value = { connected: 1_284, note: 'Devices that hold a connection now.' }
  return { part: 'devices', at: NOW, refreshSeconds: 10, value }
}

function alarmsPart({ foreign }: Words): OverviewPart {
  const quiet = ['events-dead-lettered', 'accept-errors', 'deliver-slow', 'token-keys-old']
  const alarms = [
    {
      name: 'notifications-dead-lettered',
      state: 'alarm' as const,
      since: NOW - 12 * MINUTE,
      description: `deliver gave up accepted notifications. Read the dead letters, mend the cause, and hand them over once more. ${foreign}`,
    },
    ...quiet.map((name) => ({
      name,
      state: 'ok' as const,
      since: NOW - 3 * DAY,
      description: 'See the runbook.',
    })),
  ]
  return { part: 'alarms', at: NOW, refreshSeconds: 60, value: { alarms } }
}

const credential: CredentialView = {
  id: 'demo',
  label: 'Demo app',
  kind: 'certificate',
  from: 'demo',
  topics: [ids.topic, `${ids.topic}.voip`],
}

const key: ProviderKeyView = {
  keyId: 'ABC123DEFG',
  teamId: 'HELIOGRAPH',
  topics: [ids.topic],
  createdAt: NOW - 20 * DAY,
  state: 'live',
}

function devices({ foreign }: Words): DeviceListed[] {
  return [ids.device, '0k3m9v2xq7t4w8ya', '7h2s5r9pd3n6b1cz'].map((deviceId, place) => ({
    deviceId,
    activatedAt: NOW - (place + 1) * 9 * DAY,
    ...(place === 2 && { revokedAt: NOW - DAY }),
    certificates: [
      { certificateId: foreign || 'f0e1d2c3b4a5968778695a4b3c2d1e0f', notAfter: NOW + 300 * DAY },
    ],
  }))
}

function certificates({ foreign }: Words): ProviderCertificate[] {
  const base = {
    serial: '0f',
    subject: foreign,
    notBefore: NOW - 30 * DAY,
    issuedAt: NOW - 30 * DAY,
  }
  return [
    {
      ...base,
      fingerprint: '9b'.repeat(32),
      topics: [ids.topic, `${ids.topic}.voip`],
      notAfter: NOW + 368 * DAY,
      state: 'valid',
    },
    {
      ...base,
      fingerprint: '1c'.repeat(32),
      topics: ['org.example.signage'],
      notAfter: NOW + 200 * DAY,
      revokedAt: NOW - 2 * DAY,
      revocationReason: foreign || 'superseded',
      state: 'revoked',
    },
  ]
}

function receipt({ foreign }: Words) {
  const at = NOW - 4 * MINUTE
  return {
    id: ids.notification,
    uniqueId: '0192f7a1-5b3c-7d2e-8f40-1a2b3c4d5e6f',
    topic: foreign || ids.topic,
    deviceId: ids.device,
    pushType: foreign || 'alert',
    priority: 10,
    state: 'drained' as const,
    events: [
      { kind: 'accepted' as const, at, age: 0 },
      { kind: 'stored' as const, at: at + 92, age: 92 },
      { kind: 'drained' as const, at: at + 93_410, age: 93_410 },
    ],
  }
}

function letters({ foreign }: Words): DeadLetterView[] {
  return [1, 2, 3].map((place) => ({
    messageId: `${place}b7c0f7e-1111-4222-8333-944445555666`,
    sentAt: NOW - place * 37 * MINUTE,
    about: foreign || `notification ${ids.notification} for ${ids.topic} to ${ids.device}`,
    notification: {
      id: ids.notification,
      uniqueId: ids.notification,
      topic: foreign || ids.topic,
      deviceId: ids.device,
    },
  }))
}

const queue = {
  name: 'notifications',
  waiting: 3,
  about: 'Notifications that deliver gave up after eight attempts, each of which met a fault.',
  advice: 'Mend the cause, then hand them over once more: what has expired meanwhile ends so.',
  redrivable: true,
}

/** Everything that the page can ask for, with what foreign people may have written in it. */
export function worldOf(words: Words): Handlers {
  return {
    'GET /api/session': () => ({
      target: 'aws',
      stage: 'production',
      version: '0.1.0',
      now: NOW,
      endsAt: NOW + 60 * MINUTE,
    }),
    'POST /api/session/end': () => ({}),
    'GET /api/deployment': () => ({
      stage: 'production',
      features: { stats: true, receipts: true, events: true, providerKeys: true, tokens: true },
      entrances: {
        provider: 'https://push.example.com:443',
        tokens: 'https://api.push.example.com:443',
        activation: 'https://activate.example.com',
        mqtt: { host: 'mqtt.example.com', port: 8883 },
      },
    }),
    ...sending(words),
    ...aboutDevices(words),
    ...aboutProviders(words),
    ...aboutLetters(words),
  }
}

function sending(words: Words): Handlers {
  return {
    'GET /api/credentials': () => ({ credentials: [credential] }),
    'POST /api/credentials': ({ body }) => ({
      ...{ id: 'added', label: String(body.label), kind: 'certificate', from: 'page' },
      topics: [],
    }),
    'POST /api/send': ({ body }) => sendAnswer(String(body.token), words, body),
    'GET /api/notifications/:id': ({ params }) => {
      if (params.id !== ids.notification)
        throw new Refusal('notFound', `no receipt is known under ${params.id}`, 404)
      return { receipts: [receipt(words)] } as Endpoints['GET /api/notifications/:id']['answer']
    },
  }
}

function sendAnswer(token: string, { foreign }: Words, body: Readonly<Record<string, unknown>>) {
  const request = {
    url: `https://push.example.com:443/3/device/${token}`,
    method: 'POST' as const,
    headers: { 'apns-topic': String(body.topic ?? '') },
    body: String(body.payload),
  }
  if (token === ids.token)
    return {
      ...{ status: 200, id: ids.notification, uniqueId: ids.notification, tookMs: 41.3 },
      ...{ explanation: good, request },
    }
  const explanation: Explanation = {
    meaning: 'The device has unregistered the topic, or was revoked.',
    advice: 'Forget this token. The device gives you a new one if it registers again.',
    retry: 'never',
    blame: 'device',
  }
  return {
    ...{ status: 410, reason: 'Unregistered', id: ids.notification, tookMs: 12 },
    detail: foreign || 'the device is no longer registered for the topic',
    ...{ timestamp: NOW - DAY, explanation, request },
  }
}

function aboutDevices(words: Words): Handlers {
  const expired = { deviceId: ids.device, topic: ids.topic, expiredAt: NOW }
  return {
    'GET /api/devices': () => ({ devices: devices(words), more: false }),
    'GET /api/devices/:id': ({ params }) => {
      const device = devices(words).find(({ deviceId }) => deviceId === params.id)
      if (!device)
        throw new Refusal('notFound', `no device ${params.id} is on record in this deployment`, 404)
      return {
        device,
        registrations: [
          { topic: words.foreign || ids.topic, live: true, registeredAt: NOW - 8 * DAY },
          {
            topic: 'org.example.signage',
            live: false,
            registeredAt: NOW - 7 * DAY,
            unregisteredAt: NOW - DAY,
          },
        ],
        pending: [
          {
            topic: words.foreign || ids.topic,
            id: ids.notification,
            acceptedAt: NOW - 40 * MINUTE,
            expiresAt: NOW + 29 * DAY,
            priority: 10,
            pushType: words.foreign || 'alert',
            size: 312,
          },
        ],
        presence: {
          connected: false,
          since: NOW - 44 * MINUTE,
          disconnectReason: words.foreign || 'CONNECTION_LOST',
        },
      }
    },
    'POST /api/devices/:id/revoke': ({ params, body }) => {
      if (body.confirm !== params.id) throw new Refusal('confirm', 'type the id', 400)
      return {
        deviceId: known.device,
        revokedAt: NOW,
        certificates: 1,
        disconnected: true,
        topics: [ids.topic],
      }
    },
    'POST /api/devices/:id/expire': () => expired,
    'POST /api/devices/invite': ({ body }) => ({
      codes: Array.from({ length: Number(body.count ?? 1) }, (_, place) => ({
        code: `7K2M-9QXV-${place}H4T`,
        expiresAt: NOW + DAY,
      })),
    }),
    'GET /api/tokens/:token': ({ params }) =>
      params.token === ids.token
        ? {
            opens: true,
            deviceId: ids.device,
            device: 'active',
            topic: words.foreign || ids.topic,
            topicHash: 'a1b2c3d4e5f6',
            key: { id: '01JD3QX4', state: 'primary' },
            registration: 'live',
            since: NOW - 8 * DAY,
            answer: '200',
            explanation: good,
          }
        : { opens: false, why: 'no token key of this deployment opens it' },
    'POST /api/tokens/:token/expire': () => expired,
  }
}

function aboutProviders(words: Words): Handlers {
  const file = (name: string) => ({
    ...{ name, mediaType: 'application/octet-stream', base64: 'AAAA', secret: true },
  })
  return {
    'GET /api/providers/certificates': () => ({ certificates: certificates(words) }),
    'POST /api/providers/certificates': () => ({
      certificate: certificates(words)[0] as ProviderCertificate,
      files: [file('app.p12'), file('app.pem'), file('app.key')],
      passphrase: '0k3m9v2xq7t4w8ya7h2s5r9pd3',
    }),
    'POST /api/providers/certificates/:fingerprint/revoke': () => ({
      ...(certificates(words)[0] as ProviderCertificate),
      ...{ state: 'revoked', revokedAt: NOW, effectiveBy: NOW + 30_000 },
    }),
    'GET /api/providers/keys': () => ({ keys: [key] }),
    'POST /api/providers/keys': () => ({ key, file: file(`AuthKey_${key.keyId}.p8`) }),
    'POST /api/providers/keys/import': () => key,
    'POST /api/providers/keys/:keyId/revoke': () => ({
      ...{ ...key, state: 'revoked', revokedAt: NOW, effectiveBy: NOW + 30_000 },
    }),
    'POST /api/providers/tokens/check': () => ({
      reason: 'ExpiredProviderToken',
      explanation: {
        meaning: 'The token was signed more than an hour ago.',
        advice: 'Sign a new one; every library does so by itself.',
      },
      checks: [
        { name: 'Form', good: true, detail: 'three parts of base64url' },
        { name: 'Algorithm', good: true, detail: 'ES256' },
        { name: 'Issued at', good: false, detail: words.foreign || '3 h 12 min ago' },
      ],
      header: { alg: 'ES256', kid: words.foreign || key.keyId },
      claims: { iss: words.foreign || key.teamId, iat: 1 },
      key,
    }),
  }
}

function aboutLetters(words: Words): Handlers {
  const begun = (kind: Job['kind']): Job => ({
    ...{ id: `job-${kind}`, kind, queue: queue.name, state: 'running', startedAt: NOW },
    ...{ done: 0, left: 0, total: 3 },
  })
  return {
    'GET /api/dead-letters': () => ({
      queues: [
        queue,
        {
          ...queue,
          name: 'rules',
          waiting: 0,
          redrivable: false,
          about: 'What a rule could not hand over.',
        },
      ],
    }),
    'GET /api/dead-letters/:queue': ({ params }) => {
      if (params.queue !== queue.name)
        throw new Refusal('notFound', `there is no queue ${params.queue}`, 404)
      return { queue, letters: letters(words) }
    },
    'POST /api/dead-letters/:queue/redrive': () => begun('redrive'),
    'POST /api/dead-letters/:queue/drop': () => begun('drop'),
    'GET /api/jobs': () => ({ jobs: [] }),
    'POST /api/jobs/:id/cancel': () => ({ ...begun('redrive'), state: 'cancelling' }),
  }
}

export function streamsOf(words: Words): StreamHandlers {
  return {
    'GET /api/overview/live': (_, say) => {
      for (const part of overviewParts(words)) say('part', part)
      return undefined
    },
    'GET /api/events': (_, say) => {
      say('ready', {})
      for (const event of announcements(words)) say('event', event)
      return undefined
    },
    'GET /api/doctor': (_, say) => {
      say('begin', { checks: ['stacks', 'provider CA', 'provider edge'] })
      say('finding', {
        check: 'stacks',
        findings: [
          {
            check: 'stacks',
            state: 'ok',
            detail: 'stage production is deployed, with every output',
          },
        ],
      })
      say('finding', {
        check: 'provider CA',
        findings: [
          {
            check: 'provider CA',
            state: 'warning',
            detail: words.foreign || 'its certificate ends in 40 days: renew it (docs/runbook.md)',
          },
        ],
      })
      say('finding', {
        check: 'provider edge',
        findings: [
          {
            check: 'provider edge',
            state: 'problem',
            detail: words.foreign || 'push.example.com does not resolve: make the DNS record',
          },
        ],
      })
      say('end', {})
      return undefined
    },
    'GET /api/jobs/:id/events': ({ params }, say) => {
      const kind = params.id === 'job-drop' ? 'drop' : 'redrive'
      const job = { id: params.id, kind, queue: queue.name, startedAt: NOW, total: 3, left: 0 }
      say('job', { ...job, state: 'running', done: 1 })
      say('job', { ...job, state: 'done', done: 3, endedAt: NOW + 900 })
      say('end', {})
      return undefined
    },
  }
}

function announcements({ foreign }: Words): Announcement[] {
  const outcomes = ['delivered', 'stored', 'drained', 'expired', 'dead-lettered'] as const
  const events = outcomes.map((outcome, place) => ({
    ...{ type: 'notification', outcome, topic: foreign || ids.topic, id: ids.notification },
    ...{ uniqueId: foreign || ids.notification, pushType: 'alert', priority: 10 },
    ...{ acceptedAt: NOW - 5_000, at: NOW - 4_000 + place * 700, age: 1_000 + place * 700 },
  }))
  const dead = {
    ...{ type: 'token', outcome: 'dead-token', topic: ids.topic, token: ids.token },
    ...{ reason: 'Unregistered', at: NOW },
  }
  return [...events, dead] as unknown as Announcement[]
}
