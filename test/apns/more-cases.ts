import { pushTypes } from '../../core/push-type.ts'
import type { Case, CaseRequest, ExpectedAnswer } from './case.ts'
import { placeholders } from './case.ts'

/** Cases beyond `cases.json`, in its format: each rule of docs/provider-api.md at both sides of its edge. */

const TOPIC = 'com.example.app'
const PATH = `/3/device/${placeholders.live}`
const headers = { 'apns-topic': TOPIC, 'apns-push-type': 'alert' }
const plain: CaseRequest = { method: 'POST', path: PATH, headers, body: '{"aps":{"alert":"x"}}' }

type Change = Partial<Omit<CaseRequest, 'headers'>> & {
  readonly headers?: Readonly<Record<string, string | undefined>>
}

function requestOf({ headers: changed = {}, ...rest }: Change): CaseRequest {
  const merged = Object.entries({ ...headers, ...changed })
  const kept = merged.filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...plain, ...rest, headers: Object.fromEntries(kept) }
}

const accepted: ExpectedAnswer = {
  status: 200,
  body: '',
  headers: { 'apns-id': 'echo-or-new-uuid' },
}

function refused(status: number, reason: string): ExpectedAnswer {
  return {
    status,
    json: { reason },
    headers: { 'content-type': 'application/json', 'apns-id': 'echo-or-new-uuid' },
  }
}

interface Row {
  readonly id: string
  readonly title: string
  readonly change: Change
  /** Absent: accepted. */
  readonly refusal?: readonly [number, string]
  readonly given?: string
  readonly auth?: string
  readonly basis?: string
}

const row =
  (kind: string) =>
  ({ id, title, change, refusal, given, auth = 'any', basis = 'design' }: Row): Case => ({
    ...{ id, kind, title, auth, basis, request: requestOf(change) },
    expect: refusal ? refused(...refusal) : accepted,
    ...(given && { given }),
  })

const REGISTERED = 'a device token registered for that topic'
const UUID = '123e4567-e89b-12d3-a456-4266554400a0'

const identifiers = [
  { id: 'id-upper', title: 'apns-id in upper case comes back so', value: UUID.toUpperCase() },
  { id: 'id-mixed', title: 'apns-id in both cases', value: '123E4567-e89b-12D3-a456-4266554400aF' },
  { id: 'id-nil', title: 'apns-id of zeros', value: '00000000-0000-0000-0000-000000000000' },
  { id: 'id-any-version', title: 'no version is asked of the UUID', value: UUID.replace('1', 'f') },
].map(({ id, title, value }) =>
  row('identifier')({ id, title, change: { headers: { 'apns-id': value } } }),
)

const badIdentifiers = [
  { id: 'id-empty', value: '' },
  { id: 'id-no-dashes', value: UUID.replaceAll('-', '') },
  { id: 'id-braces', value: `{${UUID}}` },
  { id: 'id-urn', value: `urn:uuid:${UUID}` },
  { id: 'id-short', value: UUID.slice(1) },
  { id: 'id-long', value: `${UUID}0` },
  { id: 'id-non-hex', value: UUID.replace('a', 'g') },
  { id: 'id-non-ascii', value: UUID.replace('a', 'é') },
  { id: 'id-300', value: 'x'.repeat(300) },
].map(({ id, value }) =>
  row('identifier')({
    id,
    title: `apns-id ${quoted(value)}`,
    change: { headers: { 'apns-id': value } },
    refusal: [400, 'BadMessageId'],
  }),
)

const badPriorities = ['', '00', '010', '10.0', '+10', '-1', '7', '100', '1e1', '１０', '5 5'].map(
  (value, index) =>
    row('priority')({
      id: `prio-bad-more-${index}`,
      title: `priority ${quoted(value)}`,
      change: { headers: { 'apns-priority': value } },
      refusal: [400, 'BadPriority'],
    }),
)

const expirations: [string, string, string?][] = [
  ['exp-past', '1000000000', 'accepted; too late to be delivered'],
  ['exp-negative', '-1', 'seconds that a client cast to 32 bits'],
  ['exp-milliseconds', '1795444921898', 'far away: at most 30 days'],
  ['exp-near', 'now+1'],
  ['exp-31-days', 'now+2678400'],
]
const goodExpirations = expirations.map(([id, value, why]) =>
  row('expiration')({
    id,
    title: `expiration ${quoted(value)}${why ? `: ${why}` : ''}`,
    change: { headers: { 'apns-expiration': value } },
  }),
)
const badExpirations = ['tomorrow', '1e9', '0x10', '+5', '1,5', '٣', '--1', '9'.repeat(40)].map(
  (value, index) =>
    row('expiration')({
      id: `exp-bad-more-${index}`,
      title: `expiration ${quoted(value)}`,
      change: { headers: { 'apns-expiration': value } },
      // a comma looks like a repeated header
      refusal: [400, value.includes(',') ? 'DuplicateHeaders' : 'BadExpirationDate'],
    }),
)

const collapseIds: [string, string, boolean][] = [
  ['collapse-empty', '', true],
  ['collapse-1', 'k', true],
  ['collapse-comma', 'chat,42', true],
  ['collapse-utf8-64', 'é'.repeat(32), true],
  ['collapse-utf8-66', 'é'.repeat(33), false],
  ['collapse-emoji-64', '🛰'.repeat(16), true],
  ['collapse-emoji-68', '🛰'.repeat(17), false],
  ['collapse-300', 'k'.repeat(300), false],
]
const collapses = collapseIds.map(([id, value, good]) =>
  row('collapse-id')({
    id,
    title: `collapse id of ${Buffer.byteLength(value)} bytes`,
    change: { headers: { 'apns-collapse-id': value } },
    ...(!good && { refusal: [400, 'BadCollapseId'] as const }),
  }),
)

const types = Object.entries(pushTypes).map(([type, { suffix }]) =>
  row('push-type')({
    id: `type-on-its-topic-${type}`,
    title: `push type ${type} on its topic`,
    change: { headers: { 'apns-topic': TOPIC + suffix, 'apns-push-type': type } },
    given: REGISTERED,
    basis: 'apple',
  }),
)
const typeMismatches = Object.entries(pushTypes)
  .filter(([, { suffix }]) => suffix !== '')
  .map(([type]) =>
    row('push-type')({
      id: `type-on-plain-topic-${type}`,
      title: `push type ${type} on the plain topic`,
      change: { headers: { 'apns-push-type': type } },
      refusal: [400, 'BadTopic'],
    }),
  )
const badTypes = ['', 'Alert', 'ALERT', 'constructor', '__proto__', 'voip ptt', 'é'].map(
  (value, index) =>
    row('push-type')({
      id: `type-bad-more-${index}`,
      title: `push type ${quoted(value)}`,
      change: { headers: { 'apns-push-type': value } },
      refusal: [400, 'InvalidPushType'],
    }),
)
const absentTypes = [
  row('push-type')({
    id: 'type-absent-voip',
    title: 'no push type on a voip topic: 5120 bytes all the same',
    change: {
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': undefined },
      bodyBytes: 5120,
    },
    given: REGISTERED,
  }),
]

const topics = [
  row('topic')({
    id: 'topic-absent-single',
    title: 'no topic, certificate with one',
    auth: 'cert-single',
    change: { headers: { 'apns-topic': undefined } },
    basis: 'apple',
  }),
  row('topic')({
    id: 'topic-empty-single',
    title: 'empty topic, certificate with one',
    auth: 'cert-single',
    change: { headers: { 'apns-topic': '' } },
  }),
  row('topic')({
    id: 'topic-empty-multi',
    title: 'empty topic, certificate with several',
    auth: 'cert-multi',
    change: { headers: { 'apns-topic': '' } },
    refusal: [400, 'MissingTopic'],
  }),
  row('topic')({
    id: 'topic-second-of-multi',
    title: 'a topic of the list that is not the UID',
    auth: 'cert-multi',
    change: { headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' } },
    given: REGISTERED,
    basis: 'apple',
  }),
  row('topic')({
    id: 'topic-suffixed-not-in-single',
    title: 'a suffixed topic is another topic',
    auth: 'cert-single',
    change: { headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' } },
    refusal: [400, 'BadTopic'],
  }),
  ...['com.example.APP', 'com.example.app.', '.com.example.app', 'com example app', 'é', '../x']
    .concat('x'.repeat(300))
    .map((value, index) =>
      row('topic')({
        id: `topic-bad-${index}`,
        title: `topic ${quoted(value)}`,
        change: { headers: { 'apns-topic': value } },
        refusal: [400, 'BadTopic'],
      }),
    ),
]

const methods = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'post', 'FOO'].map((method) =>
  row('method-path')({
    id: `method-${method}`,
    title: `${method} to a device`,
    change: { method, body: '' },
    refusal: [405, 'MethodNotAllowed'],
    basis: 'apple',
  }),
)
const paths: [string, string, number, string][] = [
  ['path-root', '/', 404, 'BadPath'],
  ['path-3', '/3', 404, 'BadPath'],
  ['path-3-device', '/3/device', 404, 'BadPath'],
  ['path-devices', `/3/devices/${placeholders.live}`, 404, 'BadPath'],
  ['path-upper', `/3/Device/${placeholders.live}`, 404, 'BadPath'],
  ['path-double-slash', `//3/device/${placeholders.live}`, 404, 'BadPath'],
  ['path-2', `/2/device/${placeholders.live}`, 404, 'BadPath'],
  ['path-broadcast', '/4/broadcasts/apps/com.example.app', 404, 'BadPath'],
  ['path-feedback-post', '/3/feedback', 404, 'BadPath'],
  ['path-bad-escape', '/%zz', 404, 'BadPath'],
  ['token-slash', `${PATH}/`, 400, 'BadDeviceToken'],
  ['token-more-path', `${PATH}/x`, 400, 'BadDeviceToken'],
]
const pathCases = paths.map(([id, path, status, reason]) =>
  row('method-path')({
    id,
    title: `path ${path.replace(placeholders.live, '<token>')}`,
    change: { path },
    // an edge that cannot decode a path knows no device
    refusal: [status, reason],
  }),
)
const goodPaths = [
  row('method-path')({
    id: 'path-query',
    title: 'a query changes nothing',
    change: { path: `${PATH}?a=b` },
  }),
  row('method-path')({
    id: 'path-escaped',
    title: 'an escaped character of the path counts as itself',
    change: { path: PATH.replace('/3/', '/%33/') },
  }),
]

const badTokens: [string, string][] = [
  ['token-one-digit-less', placeholders.live.slice(1)],
  ['token-two-digits-less', placeholders.live.slice(2)],
  ['token-one-digit-more', `${placeholders.live}0`],
  ['token-never-issued', placeholders.never_issued],
  ['token-160', placeholders.long],
  ['token-1-digit', 'a'],
  ['token-dashes', placeholders.never_issued.replace(/(.{8})/g, '$1-')],
  ['token-escape-cut', '%'],
  ['token-escape-bad', '%zz'],
  ['token-space', `${placeholders.live}%20`],
  ['token-nul', `${placeholders.live}%00`],
  ['token-2000-digits', 'a'.repeat(2_000)],
]
const tokenCases = badTokens.map(([id, token]) =>
  row('device-token')({
    id,
    title: `device token of ${token.length} characters`,
    change: { path: `/3/device/${token}` },
    refusal: [400, 'BadDeviceToken'],
  }),
)
const deadTokens = [
  row('device-token')({
    id: 'token-dead-upper',
    title: 'a dead token in upper case',
    given: 'the token "dead" was unregistered at a known time',
    change: { path: `/3/device/${placeholders.dead.toUpperCase()}` },
    refusal: [410, 'Unregistered'],
  }),
  row('device-token')({
    id: 'token-dead-other-topic',
    title: 'a dead token sent to for another topic of the certificate: dead comes first',
    given: 'the token "dead" was unregistered at a known time',
    change: {
      path: `/3/device/${placeholders.dead}`,
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' },
    },
    refusal: [410, 'Unregistered'],
  }),
]

const bodies: [string, Change, (readonly [number, string])?][] = [
  ['body-object-empty', { body: '{}' }],
  ['body-spaces', { body: ' \r\n\t{"aps":{}} ' }],
  ['body-no-aps', { body: '{"a":1}' }],
  ['body-duplicate-keys', { body: '{"a":1,"a":2}' }],
  ['body-big-number', { body: '{"n":123456789012345678901234567890e400}' }],
  ['body-lone-surrogate', { body: '{"t":"\\ud800"}' }],
  ['body-nul-escaped', { body: '{"t":"\\u0000"}' }],
  ['body-nested-1300', { body: `{"a":${'['.repeat(1300)}${']'.repeat(1300)}}` }],
  ['body-proto', { body: '{"__proto__":{"a":1},"constructor":1}' }],
  ['body-utf8', { body: '{"t":"é 🛰 \u2028"}' }],
  ['body-4096', { bodyBytes: 4096 }],
  ['body-background-4097', typed('background', 4097), [413, 'PayloadTooLarge']],
  ['body-alert-5120', { bodyBytes: 5120 }, [413, 'PayloadTooLarge']],
  ['body-1-MB', { bodyBytes: 1_000_000 }, [413, 'PayloadTooLarge']],
  ['body-array', { body: '[{"aps":{}}]' }, [400, 'PayloadEmpty']],
  ['body-string', { body: '"aps"' }, [400, 'PayloadEmpty']],
  ['body-number', { body: '1' }, [400, 'PayloadEmpty']],
  ['body-null', { body: 'null' }, [400, 'PayloadEmpty']],
  ['body-true', { body: 'true' }, [400, 'PayloadEmpty']],
  ['body-blank', { body: ' ' }, [400, 'PayloadEmpty']],
  ['body-two', { body: '{}{}' }, [400, 'PayloadEmpty']],
  ['body-form', { body: 'aps=alert' }, [400, 'PayloadEmpty']],
  ['body-nan', { body: '{"n":NaN}' }, [400, 'PayloadEmpty']],
  ['body-trailing-comma', { body: '{"a":1,}' }, [400, 'PayloadEmpty']],
  ['body-nested-unclosed', { body: `{"a":${'['.repeat(4000)}` }, [400, 'PayloadEmpty']],
  ['body-bom', { bodyHex: 'efbbbf7b7d' }, [400, 'PayloadEmpty']],
  ['body-utf16', { bodyHex: 'fffe7b007d00' }, [400, 'PayloadEmpty']],
  ['body-bad-utf8', { bodyHex: '7b2274223a22ff227d' }, [400, 'PayloadEmpty']],
  ['body-cut-utf8', { bodyHex: '7b2274223a22c3227d' }, [400, 'PayloadEmpty']],
  ['body-raw-surrogate', { bodyHex: '7b2274223a22eda080227d' }, [400, 'PayloadEmpty']],
  ['body-gzip', { bodyHex: '1f8b080000000000000aab5602008b8f8b0d02000000' }, [400, 'PayloadEmpty']],
]
const bodyCases = bodies.flatMap(([id, change, refusal]) =>
  ['', 'application/json'].map((type) =>
    row('body')({
      id: type ? `${id}-as-json` : id,
      title: `${id.replace('body-', 'payload: ')}${type ? `, content-type ${type}` : ''}`,
      change: { ...change, headers: { ...change.headers, 'content-type': type || undefined } },
      ...(refusal && { refusal }),
    }),
  ),
)
const voipBodies = [
  row('body')({
    id: 'body-voip-5121',
    title: 'voip payload of 5121 bytes',
    change: {
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' },
      bodyBytes: 5121,
    },
    given: REGISTERED,
    refusal: [413, 'PayloadTooLarge'],
    basis: 'apple',
  }),
]

function typed(type: string, bodyBytes: number): Change {
  return { headers: { 'apns-push-type': type }, bodyBytes }
}

const twice = (
  name: string,
  first: string,
  second = first,
): readonly (readonly [string, string])[] => [
  [name, first],
  [name, second],
]
const repeats: [string, ReturnType<typeof twice>][] = [
  ['dup-id', twice('apns-id', UUID)],
  ['dup-priority', twice('apns-priority', '10')],
  ['dup-priority-differs', twice('apns-priority', '10', '5')],
  ['dup-expiration', twice('apns-expiration', '0')],
  ['dup-type', twice('apns-push-type', 'alert')],
  ['dup-topic-differs', twice('apns-topic', TOPIC, 'com.other.app')],
  ['dup-collapse', twice('apns-collapse-id', 'k')],
  ['dup-collapse-commas', twice('apns-collapse-id', 'a b')],
  ['dup-unknown-apns', twice('apns-channel-id', 'a')],
  ['dup-empty', twice('apns-priority', '')],
]
const repeatCases = repeats.map(([id, rawHeaders]) =>
  row('wire')({
    id,
    title: `${rawHeaders[0]?.[0]} twice`,
    change: { rawHeaders },
    refusal: [400, 'DuplicateHeaders'],
  }),
)
const wireCases = [
  row('wire')({
    id: 'host-only',
    title: 'host in place of :authority (Apple’s samples, aioapns)',
    change: { pseudo: 'host-only' },
    basis: 'observed',
  }),
  row('wire')({
    id: 'unknown-headers',
    title: 'headers that nobody knows',
    change: { headers: { 'apns-unknown': 'x', 'x-y': 'z', cookie: 'a=b' } },
  }),
  ...['text/plain', 'application/octet-stream', 'multipart/form-data; boundary="a,b"', ''].map(
    (type, index) =>
      row('wire')({
        id: `ct-${index}`,
        title: `content-type ${quoted(type)} is ignored`,
        change: { headers: { 'content-type': type } },
      }),
  ),
  row('wire')({
    id: 'auth-ignored',
    title: 'a certificate and an authorization that no one could read',
    auth: 'any',
    change: { headers: { authorization: 'Basic é' } },
    basis: 'apple',
  }),
]

/** Two faults at once: the one that is checked first is told (docs/provider-api.md, order of checks). */
const orders: [string, Change, readonly [number, string]][] = [
  ['method<path', { method: 'GET', path: '/nowhere', body: '' }, [405, 'MethodNotAllowed']],
  [
    'path<duplicate',
    { path: '/nowhere', rawHeaders: twice('apns-topic', TOPIC) },
    [404, 'BadPath'],
  ],
  ['no token<id', { path: '/3/device/', headers: { 'apns-id': 'x' } }, [400, 'MissingDeviceToken']],
  [
    'duplicate<id',
    { headers: { 'apns-id': 'x' }, rawHeaders: twice('apns-priority', '10') },
    [400, 'DuplicateHeaders'],
  ],
  [
    'id<topic',
    { headers: { 'apns-id': 'x', 'apns-topic': 'com.other.app' } },
    [400, 'BadMessageId'],
  ],
  [
    'topic<type',
    { headers: { 'apns-topic': 'com.other.app', 'apns-push-type': 'x' } },
    [400, 'BadTopic'],
  ],
  [
    'type<priority',
    { headers: { 'apns-push-type': 'x', 'apns-priority': 'x' } },
    [400, 'InvalidPushType'],
  ],
  [
    'priority<expiration',
    { headers: { 'apns-priority': 'x', 'apns-expiration': 'x' } },
    [400, 'BadPriority'],
  ],
  [
    'expiration<collapse',
    { headers: { 'apns-expiration': 'x', 'apns-collapse-id': 'k'.repeat(65) } },
    [400, 'BadExpirationDate'],
  ],
  [
    'collapse<body',
    { headers: { 'apns-collapse-id': 'k'.repeat(65) }, body: '' },
    [400, 'BadCollapseId'],
  ],
  ['body<token', { path: '/3/device/nothex', body: '' }, [400, 'PayloadEmpty']],
  ['size<token', { path: '/3/device/nothex', bodyBytes: 4097 }, [413, 'PayloadTooLarge']],
]
const orderCases = orders.map(([id, change, refusal]) =>
  row('order')({ id: `order-${id}`, title: `first fault told: ${id}`, change, refusal }),
)

function quoted(value: string): string {
  return value.length > 60 ? `of ${value.length} characters` : `'${value}'`
}

export const moreCases: readonly Case[] = [
  ...identifiers,
  ...badIdentifiers,
  ...badPriorities,
  ...goodExpirations,
  ...badExpirations,
  ...collapses,
  ...types,
  ...typeMismatches,
  ...badTypes,
  ...absentTypes,
  ...topics,
  ...methods,
  ...pathCases,
  ...goodPaths,
  ...tokenCases,
  ...deadTokens,
  ...bodyCases,
  ...voipBodies,
  ...repeatCases,
  ...wireCases,
  ...orderCases,
]
