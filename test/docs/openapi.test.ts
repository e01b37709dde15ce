import { outcomeOf } from '@heliograph/core/outcome'
import type { FeedbackRow } from '@heliograph/core/ports'
import { readReceipt } from '@heliograph/core/receipts/read-receipt'
import { accept } from '@heliograph/core/send/accept'
import { rejectionAnswer } from '@heliograph/core/send/answer'
import { readFeedback } from '@heliograph/core/send/feedback'
import { readSendOptions } from '@heliograph/core/send/send-options'
import {
  type NotificationId,
  parseChannelId,
  parseDeviceId,
  parseDeviceToken,
  parseNotificationId,
  parseTopic,
  type Topic,
} from '@heliograph/protocol/identifiers'
import {
  MAX_BROADCAST_BYTES,
  MAX_COLLAPSE_ID_BYTES,
  MAX_MULTICAST_BYTES,
  MAX_RECIPIENTS,
} from '@heliograph/protocol/limits'
import {
  activationMessages,
  channelList,
  channelSettings,
  feedbackPage,
  receiptAnswer,
} from '@heliograph/protocol/messages'
import { priorities } from '@heliograph/protocol/priority'
import { pushTypes } from '@heliograph/protocol/push-type'
import { activationStatuses } from '@heliograph/protocol/reasons'
import { type Reason, reject, rejections } from '@heliograph/protocol/rejection'
import type { Schema as Wire } from '@heliograph/protocol/shape'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { activateHandler } from '../../lambdas/activate/handler.ts'
import { ChannelDesk } from '../../packages/core/test/channel-support.ts'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import { APP, Desk, UUID } from '../../tools/fuzz/desk.ts'
import { notification } from '../contract/samples.ts'
import { Document, type Schema } from './schema.ts'

const document = new Document('openapi.yaml')
const reasons = Object.keys(rejections) as Reason[]
const goodCsr = await makeRequest(makePrivateKey())

interface Described {
  readonly description?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: { readonly 'application/json': { readonly schema: Schema } }
}

function responseOf(path: string, method: string, status: number | string): Described {
  return document.at(`#/paths/${path.replaceAll('/', '~1')}/${method}/responses/${status}`)
}

const sendResponse = (status: number) => responseOf('/3/device/{token}', 'post', status)
const schemaOf = (response: Described): Schema =>
  response.content?.['application/json'].schema ?? {}

/** Both the document's pattern and the code's parser judge these alike. */
function agree(name: string, parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts)
    expect([text, document.faults(document.schema(name), text).length === 0]).toEqual([
      text,
      parse(text) !== undefined,
    ])
}

describe('what openapi.yaml says of sending', () => {
  it('every reason at its status, and no other', () => {
    for (const status of new Set(reasons.map((reason) => rejections[reason].status))) {
      const schema = document.schema(`Refusal${status}`)
      expect([...(schema.properties?.reason?.enum ?? [])].sort()).toEqual(
        reasons.filter((reason) => rejections[reason].status === status).sort(),
      )
    }
    const described = Object.keys(
      document.at<object>('#/paths/~13~1device~1{token}/post/responses'),
    )
    const statuses = reasons.map((reason) => String(rejections[reason].status))
    expect(described.sort()).toEqual([...new Set(['200', ...statuses])].sort())
  })

  it.each(reasons)('the answer of %s', (reason) => {
    const { status } = rejections[reason]
    const timestamp = status === 410 ? 1_795_444_921_898 : undefined
    const answer = rejectionAnswer(UUID as NotificationId, reject(reason, 'why', timestamp))
    const response = sendResponse(status)
    expect(document.faults(schemaOf(response), JSON.parse(answer.body ?? ''))).toEqual([])
    expect(Object.keys(response.headers ?? {})).toEqual(['apns-id', 'heliograph-detail'])
    for (const name of Object.keys(response.headers ?? {}))
      expect(headerFaults(name, answer.headers[name])).toEqual([])
  })

  it('the answer to an accepted notification', async () => {
    const desk = new Desk()
    const { headers, body } = await accept(desk.request(), desk.ports)
    expect(body).toBeUndefined()
    expect(sendResponse(200).content).toBeUndefined()
    expect(Object.keys(headers)).toEqual(Object.keys(sendResponse(200).headers ?? {}))
    for (const name of Object.keys(headers)) expect(headerFaults(name, headers[name])).toEqual([])
  })

  function headerFaults(name: string, value: string | undefined): string[] {
    const { schema } = document.at<{ schema: Schema }>(`#/components/headers/${name}`)
    return document.faults(schema, value)
  }

  it('every header that accept reads, and no other', () => {
    const parameters = document.at<Record<string, { in: string }>>('#/components/parameters')
    const headers = Object.entries(parameters).filter(([, parameter]) => parameter.in === 'header')
    expect(headers.map(([name]) => name).sort()).toEqual([
      ...['apns-collapse-id', 'apns-expiration', 'apns-id', 'apns-priority', 'apns-push-type'],
      'apns-topic',
    ])
  })

  it('the same forms as the code', () => {
    expect(document.schema('PushType').enum).toEqual(Object.keys(pushTypes))
    expect(document.schema('Priority').enum).toEqual(priorities.map(String))
    const collapse = document.at<{ schema: Schema; description: string }>(
      '#/components/parameters/apns-collapse-id',
    )
    expect(collapse.schema.maxLength).toBe(MAX_COLLAPSE_ID_BYTES)
    expect(collapse.description).toContain(`At most ${MAX_COLLAPSE_ID_BYTES} bytes`)
    const { description } = document.at<Described>('#/paths/~13~1device~1{token}/post/requestBody')
    const sizes = [...new Set(Object.values(pushTypes).map(({ maxPayload }) => maxPayload))]
    for (const size of sizes) expect(description).toContain(size.toLocaleString('en-US'))
    agree('DeviceToken', parseDeviceToken, [
      'ab'.repeat(32),
      'AB'.repeat(32),
      'ab',
      'xy'.repeat(32),
    ])
    agree('NotificationId', parseNotificationId, [UUID, UUID.toUpperCase(), `{${UUID}}`, ''])
    agree('Topic', parseTopic, [APP, 'a', 'a.', '.a', 'a b', 'x'.repeat(255), 'x'.repeat(256), ''])
    agree('DeviceId', parseDeviceId, ['0123456789abcdef', '0123456789abcdeu', '0123'])
    const { schema } = document.at<{ schema: Schema }>('#/components/parameters/apns-expiration')
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
        const isGood = !('reason' in readSendOptions({ 'apns-expiration': text }, APP))
        expect(document.faults(schema, text).length === 0).toBe(isGood)
      }),
    )
  })
})

describe('what openapi.yaml says of sending to many devices', () => {
  const answerSchema = schemaOf(responseOf('/3/devices', 'post', 200))
  const operation = document.at<{ requestBody: Described }>('#/paths/~13~1devices/post')

  async function sent(desk: Desk, tokens: readonly string[]) {
    const body = JSON.stringify({ tokens, payload: { aps: {} } })
    const request = desk.request({ path: '/3/devices', body })
    const { status, headers, body: text = '' } = await accept(request, desk.ports)
    return { status, headers, answer: JSON.parse(text) as { results: { status: number }[] } }
  }

  it('a result of every kind, as accept answers', async () => {
    const desk = new Desk()
    const [ended, given] = ['com.example.app.voip', 'com.example.app.complication'] as Topic[]
    if (!ended || !given) throw new Error('two topics')
    desk.register(ended, { live: false, unregisteredAt: 7, expiredAt: 7 })
    desk.register(given, { live: false, unregisteredAt: 7 })
    const tokens = [desk.token(), 'x', desk.token(ended), desk.token(given)]
    const { status, headers, answer } = await sent(desk, tokens)
    expect([status, answer.results.map((one) => one.status)]).toEqual([200, [200, 400, 410, 410]])
    expect(document.faults(answerSchema, answer)).toEqual([])
    expect(Object.keys(headers)).toEqual([
      'content-type',
      ...Object.keys(responseOf('/3/devices', 'post', 200).headers ?? {}),
    ])
    desk.permits = 1
    desk.takesMulticasts = async (count) => Array(count).fill(false)
    const late = await sent(desk, [desk.token(), desk.token()])
    expect(late.answer.results.map((one) => one.status)).toEqual([503, 429])
    expect(document.faults(answerSchema, late.answer)).toEqual([])
  })

  it('no result that is of two kinds, or of none', () => {
    const good = { status: 200, 'apns-id': UUID, 'apns-unique-id': 'x' }
    const results = (one: object) => document.faults(answerSchema, { results: [one] })
    expect(results(good)).toEqual([])
    for (const one of [
      { ...good, reason: 'Unregistered' },
      { status: 400, reason: 'Unregistered' },
      { status: 410, reason: 'Unregistered' },
      { status: 413, reason: 'PayloadTooLarge' },
    ])
      expect(results(one)).not.toEqual([])
    expect(document.faults(answerSchema, { results: [] })).not.toEqual([])
  })

  it('every status but that of one dead token, and every header', () => {
    const toOne = Object.keys(document.at<object>('#/paths/~13~1device~1{token}/post/responses'))
    const toMany = Object.keys(document.at<object>('#/paths/~13~1devices/post/responses'))
    expect(toMany).toEqual(toOne.filter((status) => status !== '410'))
    const parametersOf = (path: string) =>
      document.at<{ parameters: object[] }>(`#/paths/${path}/post`).parameters
    expect(parametersOf('~13~1devices')).toEqual(
      parametersOf('~13~1device~1{token}').filter(
        (one) => !JSON.stringify(one).includes('parameters/token'),
      ),
    )
  })

  it('the same limits as the code', async () => {
    expect(operation.requestBody.description).toContain(
      `at most ${MAX_MULTICAST_BYTES.toLocaleString('en-US')} bytes`,
    )
    const request = document.schema('ToMany')
    const { tokens } = request.properties ?? {}
    expect([tokens?.minItems, tokens?.maxItems]).toEqual([1, MAX_RECIPIENTS])
    expect(document.schema('Results').properties?.results?.maxItems).toBe(MAX_RECIPIENTS)
    for (const text of [
      '{"tokens":["x"],"payload":{}}',
      '{"tokens":[],"payload":{}}',
      '{"tokens":["x"]}',
      '{"payload":{}}',
      '{"tokens":["x"],"payload":[]}',
      '{"tokens":["x"],"payload":{},"more":1}',
      JSON.stringify({ tokens: Array(MAX_RECIPIENTS).fill('x'), payload: {} }),
      JSON.stringify({ tokens: Array(MAX_RECIPIENTS + 1).fill('x'), payload: {} }),
    ]) {
      const desk = new Desk()
      const answer = await accept(desk.request({ path: '/3/devices', body: text }), desk.ports)
      const isGood = document.faults(request, JSON.parse(text)).length === 0
      expect([text.slice(0, 40), isGood]).toEqual([text.slice(0, 40), answer.status === 200])
    }
  })
})

describe('what openapi.yaml says of channels', () => {
  const manage = '/1/apps/{bundleId}/channels'
  const publish = '/4/broadcasts/apps/{bundleId}'
  const list = '/1/apps/{bundleId}/all-channels'

  it('the same forms as the protocol', () => {
    expect(document.bare(document.schema('ChannelSettings'))).toEqual(channelSettings.schema)
    expect(document.bare(document.schema('ChannelList'))).toEqual(channelList.schema)
    const id = 'aZ09'.repeat(6)
    agree('ChannelId', parseChannelId, [id, `${id}=`, id.slice(1), '+', '#', ''])
    const { description } = document.at<Described>(
      `#/paths/${publish.replaceAll('/', '~1')}/post/requestBody`,
    )
    expect(description).toContain(`${MAX_BROADCAST_BYTES.toLocaleString('en-US')} bytes`)
  })

  it('every answer that the code gives, with its headers', async () => {
    const desk = new ChannelDesk()
    const body = '{"message-storage-policy":1,"push-type":"LiveActivity"}'
    const created = await desk.manage('POST', undefined, 'channels', { body })
    const channel = created.headers['apns-channel-id']
    const answers = [
      [manage, 'post', created],
      [manage, 'get', await desk.manage('GET', channel)],
      [list, 'get', await desk.manage('GET', undefined, 'all-channels')],
      [publish, 'post', await desk.publish(channel)],
      [manage, 'delete', await desk.manage('DELETE', channel)],
    ] as const
    for (const [path, method, { status, headers, body: text }] of answers) {
      const response = responseOf(path, method, status)
      const named = Object.keys(headers).filter((name) => name !== 'content-type')
      expect([path, named.sort()]).toEqual([path, Object.keys(response.headers ?? {}).sort()])
      expect(text !== undefined).toBe(response.content !== undefined)
      if (text) expect(document.faults(schemaOf(response), JSON.parse(text))).toEqual([])
    }
  })
})

describe('what openapi.yaml says of feedback', () => {
  it('fields and reasons', () => {
    const schema = JSON.stringify(document.bare(document.schema('FeedbackPage')))
    // the protocol's patterns hold in either letter case, which a document has to write out
    const page = JSON.parse(schema.replaceAll('[0-9A-Fa-f]{64}', '[0-9a-f]{64}')) as Wire
    expect(page).toEqual(feedbackPage.schema)
  })

  it('the answer of the code', async () => {
    const desk = new Desk()
    const rows = (['Unregistered', 'Expired', 'Undeliverable'] as const).map((reason, index) => ({
      ...{ timestamp: 1_795_444_921_898, reason },
      entry: `01M84DPNHAYZ7515QD4F9WV4G${index}`,
      ...(reason === 'Unregistered' ? { token: desk.token() } : { id: UUID }),
    })) as unknown as FeedbackRow[]
    const request = desk.request({ method: 'GET', path: '/3/feedback', headers: {} })
    const ports = { ...desk.ports, feedback: { read: async () => rows } }
    const { status, body } = await readFeedback(request, ports)
    const page = JSON.parse(body ?? '') as { feedback: unknown[] }
    expect([status, page.feedback.length]).toEqual([200, 3])
    expect(document.faults(schemaOf(responseOf('/3/feedback', 'get', 200)), page)).toEqual([])
  })
})

describe('what openapi.yaml says of receipts', () => {
  it('fields and outcomes', () => {
    const schema = JSON.stringify(document.bare(document.schema('Receipt')))
    expect(JSON.parse(schema.replaceAll('[0-9A-Fa-f]{64}', '[0-9a-f]{64}'))).toEqual(
      receiptAnswer.schema,
    )
  })

  it('the answer of the code', async () => {
    const desk = new Desk()
    const one = notification({ topic: APP as Topic, idFromProvider: true })
    const newer = notification({ topic: APP as Topic, id: one.id })
    const outcomes = [
      outcomeOf('stored', one, one.acceptedAt + 1),
      outcomeOf('coalesced', one, one.acceptedAt + 2, newer),
      outcomeOf('drained', newer, newer.acceptedAt + 3),
    ]
    const ports = { ...desk.ports, receipts: { find: async () => outcomes } }
    const request = desk.request({ method: 'GET', path: `/3/notification/${one.id}`, headers: {} })
    const { status, body } = await readReceipt(request, ports)
    expect(status).toBe(200)
    const answer = JSON.parse(body ?? '')
    const schema = schemaOf(responseOf('/3/notification/{id}', 'get', 200))
    expect(document.faults(schema, answer)).toEqual([])
    expect(answer.others).toHaveLength(1)
  })
})

describe('what openapi.yaml says of activation', () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const meeting = { stage: 'x', mqtt: { host: 'h', port: 8883, ca: 'PEM' } }
  const event = (body: unknown) => ({
    ...{ rawPath: '/activate', headers: {}, isBase64Encoded: false },
    body: JSON.stringify(body),
    requestContext: { http: { method: 'POST' } },
  })
  type Ports = Parameters<typeof activateHandler>[0]
  const code = { codeHash: 'x', expiresAt: Number.POSITIVE_INFINITY, reusable: false }

  it.each([
    ['ActivationRequest', activationMessages.request],
    ['Activation', activationMessages.answer],
    ['ActivationRefusal', activationMessages.refusal],
  ])('%s: fields, limits, reasons', (name, shape) => {
    expect(document.bare(document.schema(name))).toEqual(shape.schema)
  })

  it('every status', () => {
    const statuses = new Set([201, ...Object.values(activationStatuses)])
    const described = Object.keys(document.at<object>('#/paths/~1activate/post/responses'))
    expect(described).toEqual([...statuses].map(String))
  })

  it.each([
    [400, {}, working()],
    [400, { activationCode: 'x', csr: 'none' }, portsWith(async () => code)],
    [429, { activationCode: 'x', csr: goodCsr }, portsWith(async () => code, 7)],
    [403, { activationCode: 'x', csr: goodCsr }, working()],
    [503, { activationCode: 'x', csr: goodCsr }, failing()],
  ])('a refusal with %d', async (status, body, ports) => {
    const result = await activateHandler(ports, meeting, log)(event(body))
    expect(result.statusCode).toBe(status)
    const schema = schemaOf(responseOf('/activate', 'post', status))
    expect(document.faults(schema, JSON.parse(result.body ?? ''))).toEqual([])
  })

  function portsWith(find: Ports['activations']['find'], wait = 0): Ports {
    const pace = { take: async () => wait }
    return { ...new Desk().ports, activations: { find }, pace } as unknown as Ports
  }

  function working(): Ports {
    return portsWith(async () => undefined)
  }

  function failing(): Ports {
    return portsWith(() => Promise.reject(new Error('the table does not answer')))
  }
})
