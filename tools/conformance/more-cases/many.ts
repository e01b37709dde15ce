import type { Case } from '../case.ts'
import { placeholders } from '../case.ts'
import { type Change, REGISTERED, row, TOPIC, UUID } from './row.ts'

/** One request, many devices (docs/provider-api.md). */
const many = row('many')
const { live, dead, never_issued: stranger } = placeholders
const PATH = '/3/devices'
const PAYLOAD = '{"aps":{"alert":"x"}}'

function bodyOf(tokens: readonly unknown[], payload = PAYLOAD): string {
  return `{"tokens":${JSON.stringify(tokens)},"payload":${payload}}`
}

interface Taken {
  readonly id: string
  readonly title: string
  readonly change: Change
  readonly results: readonly string[]
  readonly given?: string
  readonly auth?: string
}

/** Answered 200, with these results. */
function taken({ id, results, change, ...rest }: Taken): Case {
  const one = many({ ...rest, id: `many-${id}`, change: { path: PATH, ...change } })
  const headers = { 'content-type': 'application/json', 'apns-id': 'echo-or-new-uuid' }
  return { ...one, expect: { status: 200, headers, results } }
}

const filled = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`

const takenCases = [
  taken({
    id: 'live-bad-live',
    title: 'a bad token between good ones is refused in its place',
    change: { body: bodyOf([live, stranger, live]) },
    results: ['accepted', 'BadDeviceToken', 'accepted'],
  }),
  taken({
    id: 'id-echoed',
    title: 'the apns-id of the request comes back',
    change: { body: bodyOf([live]), headers: { 'apns-id': UUID } },
    results: ['accepted'],
  }),
  taken({
    id: 'payload-first',
    title: 'members in the other order, and white space',
    change: { body: ` {\r\n "payload" : ${PAYLOAD} ,\t"tokens" : [ "${live}" ] } ` },
    results: ['accepted'],
  }),
  taken({
    id: 'dead',
    title: 'a dead token',
    given: 'the token "dead" was unregistered at a known time',
    change: { body: bodyOf([dead]) },
    results: ['Unregistered'],
  }),
  taken({
    id: 'other-topic',
    title: 'a token of another topic',
    change: {
      body: bodyOf([live]),
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' },
    },
    // registered for the plain topic
    given: 'a device token',
    results: ['DeviceTokenNotForTopic'],
  }),
  taken({
    id: 'voip-5120',
    title: 'a voip payload of 5120 bytes, counted by itself',
    given: REGISTERED,
    change: {
      body: bodyOf([live], filled(5_120)),
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' },
    },
    results: ['accepted'],
  }),
  taken({
    id: 'odd-tokens',
    title: 'tokens that are no texts, or nested without end',
    change: {
      body: `{"tokens":[1,null,{},${'['.repeat(9_000)}${']'.repeat(9_000)},""],"payload":{}}`,
    },
    results: Array(5).fill('BadDeviceToken'),
  }),
  taken({
    id: '1000',
    title: 'a thousand tokens',
    change: { body: bodyOf(Array(1_000).fill(stranger)) },
    results: Array(1_000).fill('BadDeviceToken'),
  }),
  taken({
    id: 'jwt',
    title: 'with a provider token',
    auth: 'jwt',
    change: { body: bodyOf([live, stranger]) },
    results: ['accepted', 'BadDeviceToken'],
  }),
].map((one) => (one.auth === 'jwt' ? { ...one, kind: 'provider-token' } : one))

const refused: readonly (readonly [id: string, Change, number, string])[] = [
  ['get', { method: 'GET', body: '' }, 405, 'MethodNotAllowed'],
  ['path-slash', { path: '/3/devices/' }, 404, 'BadPath'],
  ['no-body', { body: '' }, 400, 'PayloadEmpty'],
  ['no-json', { body: `${bodyOf([live])},` }, 400, 'PayloadEmpty'],
  ['list', { body: `[${bodyOf([live])}]` }, 400, 'PayloadEmpty'],
  ['single-payload', { body: PAYLOAD }, 400, 'PayloadEmpty'],
  ['no-tokens', { body: `{"payload":${PAYLOAD}}` }, 400, 'MissingDeviceToken'],
  ['empty-list', { body: bodyOf([]) }, 400, 'MissingDeviceToken'],
  ['tokens-text', { body: `{"tokens":"${live}","payload":{}}` }, 400, 'MissingDeviceToken'],
  ['no-payload', { body: `{"tokens":["${live}"]}` }, 400, 'PayloadEmpty'],
  ['payload-text', { body: bodyOf([live], '"{}"') }, 400, 'PayloadEmpty'],
  ['payload-list', { body: bodyOf([live], '[]') }, 400, 'PayloadEmpty'],
  ['payload-twice', { body: `{"payload":{},${bodyOf([live]).slice(1)}` }, 400, 'PayloadEmpty'],
  ['tokens-twice', { body: `{"tokens":[],${bodyOf([live]).slice(1)}` }, 400, 'PayloadEmpty'],
  ['unknown-member', { body: `{"topic":"a",${bodyOf([live]).slice(1)}` }, 400, 'PayloadEmpty'],
  [
    'bad-utf8',
    { bodyHex: `${Buffer.from('{"tokens":["a"],"payload":{"t":"').toString('hex')}ff227d7d` },
    400,
    'PayloadEmpty',
  ],
  ['payload-4097', { body: bodyOf([live], filled(4_097)) }, 413, 'PayloadTooLarge'],
  ['1001', { body: bodyOf(Array(1_001).fill(stranger)) }, 413, 'PayloadTooLarge'],
  ['512-kB', { body: bodyOf([live]).padEnd(512 * 1024 + 1) }, 413, 'PayloadTooLarge'],
  ['order-id', { body: '', headers: { 'apns-id': 'x' } }, 400, 'BadMessageId'],
  ['order-topic', { body: '', headers: { 'apns-topic': 'com.other.app' } }, 400, 'BadTopic'],
  ['order-priority', { body: '', headers: { 'apns-priority': '9' } }, 400, 'BadPriority'],
  ['order-tokens', { body: bodyOf([], '[]') }, 400, 'MissingDeviceToken'],
]

export const manyCases: readonly Case[] = [
  ...takenCases,
  ...refused.map(([id, change, status, reason]) =>
    many({
      id: `many-${id}`,
      title: `many devices: ${id.replaceAll('-', ' ')}`,
      change: { path: PATH, body: bodyOf([live]), ...change },
      refusal: [status, reason],
    }),
  ),
]
