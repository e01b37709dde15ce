import { ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  CertificateIssued,
  CredentialView,
  DeadLetterView,
  DeploymentView,
  DeviceAnswer,
  ErrorAnswer,
  Job,
  OverviewPart,
  ProviderCertificate,
  ProviderKeyCreated,
  ProviderTokenCheck,
  SendAnswer,
  SessionView,
  TokenAnswer,
} from '../../packages/operator/src/console/api.ts'
import { type Console, startConsole } from '../../packages/operator/src/console/console.ts'
import { providerTokens } from '../../packages/operator/src/operations/provider-token.ts'
import { ConsoleClient } from './console-client.ts'
import { openStage, welcomeOperator } from './operator-support.ts'
import { readyDevice, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

const kind = process.env.TARGET ?? 'embedded'
const isMachine = kind === 'machine'

let target: Target
let served: Console
let page: ConsoleClient
let ready: Awaited<ReturnType<typeof readyDevice>>
let topic: string

/** The answer of a request that must be well. */
async function got<T>(path: string): Promise<T> {
  const { status, text, value } = await page.get<T>(path)
  expect([status, text]).toEqual([200, expect.anything()])
  return value
}

async function posted<T>(path: string, body: object): Promise<T> {
  const { status, text, value } = await page.post<T>(path, body)
  if (status !== 200) throw new Error(`${path} was answered ${status}: ${text}`)
  return value
}

const start = () =>
  startConsole({
    target: { target: isMachine ? 'machine' : 'embedded', state: target.state },
    ...{ version: '0.0.0', port: 0, note: () => {} },
    files: [{ name: 'index.html', bytes: new TextEncoder().encode('<!doctype html>') }],
  })

beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
  topic = target.local.provider.topic
  ready = await readyDevice(target)
  served = await start()
  page = new ConsoleClient(served)
  await page.enter()
})

afterAll(async () => {
  await served?.close()
  await ready?.device.close()
  await target?.close()
})

describe('the console', () => {
  test('says what it is of, and when it ends', async () => {
    const session = await got<SessionView>('/api/session')
    expect(session).toMatchObject({ target: isMachine ? 'machine' : 'embedded', version: '0.0.0' })
    expect(session.endsAt - session.now).toBeGreaterThan(3_500_000)
    expect(await got<DeploymentView>('/api/deployment')).toMatchObject({
      stage: target.stage,
      features: { receipts: true, events: true, providerKeys: true, tokens: true },
      entrances: { provider: expect.stringMatching(/^https:/) },
      demoTopic: topic,
    })
  })
})

describe('sending', () => {
  let credential: string

  test('takes a certificate that it has just issued, whose key is shown once', async () => {
    const issued = await posted<CertificateIssued>('/api/providers/certificates', {
      ...{ topics: [topic], days: 2, use: true },
    })
    expect(issued.files.map(({ name, secret }) => [name, secret])).toEqual([
      [`${topic}.p12`, true],
      [`${topic}.pem`, false],
      [`${topic}.key`, true],
    ])
    const keyFile = issued.files.find(({ name }) => name.endsWith('.key'))
    const key = Buffer.from(keyFile?.base64 ?? '', 'base64').toString()
    expect(key).toContain('BEGIN PRIVATE KEY')
    credential = issued.credential?.id ?? ''
    for (const path of ['/api/credentials', '/api/providers/certificates']) {
      const { text } = await page.get(path)
      expect(text).toContain(issued.certificate.topics[0])
      expect(text).not.toContain('PRIVATE KEY')
      expect(text).not.toContain(issued.passphrase)
      expect(text).not.toContain(keyFile?.base64)
    }
  })

  test('a notification comes to the device, and its receipt says so', async () => {
    const payload = '{"aps":{"alert":"from the console"}}'
    const sent = await posted<SendAnswer>('/api/send', {
      ...{ credential, topic, token: ready.token, payload, priority: '10' },
    })
    expect(sent).toMatchObject({ status: 200, request: { body: payload, method: 'POST' } })
    expect(sent.request.headers).toEqual({ 'apns-topic': topic, 'apns-priority': '10' })
    await until(
      () => ready.received.some(({ payloadText }) => payloadText === payload) || undefined,
    )
    const receipt = await until(async () => {
      const { status, value } = await page.get<{ receipts: { state: string }[] }>(
        `/api/notifications/${sent.uniqueId}`,
      )
      const [first] = status === 200 ? value.receipts : []
      return first && first.state !== 'accepted' ? first : undefined
    })
    expect(['delivered', 'drained']).toContain(receipt.state)
  })

  test('what the edge refuses is an answer, with what to do', async () => {
    const sent = await posted<SendAnswer>('/api/send', {
      ...{ credential, topic, token: 'a'.repeat(64), payload: '{}' },
    })
    expect(sent).toMatchObject({
      ...{ status: 400, reason: 'BadDeviceToken' },
      explanation: { retry: 'never', advice: expect.stringContaining('token inspect') },
    })
  })

  test('by a key of the page: made, used, checked and revoked', async () => {
    const made = await posted<ProviderKeyCreated>('/api/providers/keys', {
      ...{ topics: [topic], team: 'ABCDE12345', use: true },
    })
    const { keyId, teamId } = made.key
    const p8 = Buffer.from(made.file.base64, 'base64').toString()
    const sent = await posted<SendAnswer>('/api/send', {
      ...{ credential: made.credential?.id, topic, token: ready.token, payload: '{}' },
    })
    expect(sent.status).toBe(200)
    const tokens = providerTokens({ keyId, teamId, p8 } as never, Date.now)
    const token = tokens.authorization().slice('bearer '.length)
    const check = () => posted<ProviderTokenCheck>('/api/providers/tokens/check', { token, topic })
    expect(await check()).not.toHaveProperty('reason')
    const revoked = await posted<object>(`/api/providers/keys/${keyId}/revoke`, { confirm: keyId })
    expect(revoked).toMatchObject({ state: 'revoked', effectiveBy: expect.any(Number) })
    expect(await check()).toMatchObject({ reason: 'InvalidProviderToken' })
    const given = await posted<CredentialView>('/api/credentials', {
      ...{ kind: 'key', p8, keyId, teamId },
    })
    expect(given).toMatchObject({ kind: 'key', from: 'page', keyId })
    await posted(`/api/credentials/${given.id}/forget`, {})
    expect(
      (await page.post('/api/send', { credential: given.id, token: '', payload: '' })).status,
    ).toBe(404)
  })

  test('a certificate is revoked by the name of its topic, and no other', async () => {
    const { certificates } = await got<{ certificates: ProviderCertificate[] }>(
      '/api/providers/certificates',
    )
    const mine = certificates.find(({ notAfter }) => notAfter < Date.now() + 3 * 24 * 3_600_000)
    const path = `/api/providers/certificates/${mine?.fingerprint}/revoke`
    const refused = await page.post<ErrorAnswer>(path, { confirm: 'com.example.other' })
    expect([refused.status, refused.value.error.kind]).toEqual([400, 'confirm'])
    expect(await posted(path, { confirm: topic, reason: 'superseded' })).toMatchObject({
      ...{ state: 'revoked', revocationReason: 'superseded' },
    })
  })
})

describe('devices and tokens', () => {
  test('a token leads to its device, and the device shows what it has', async () => {
    const token = await got<TokenAnswer>(`/api/tokens/${ready.token}`)
    expect(token).toMatchObject({ opens: true, topic, registration: 'live', answer: '200' })
    const deviceId = 'deviceId' in token ? token.deviceId : ''
    const { text, value } = await page.get<DeviceAnswer>(`/api/devices/${deviceId}`)
    expect(value).toMatchObject({
      device: { deviceId, certificates: [{ notAfter: expect.any(Number) }] },
      registrations: [{ topic, live: true }],
      presence: { connected: true },
    })
    expect(text).not.toContain('BEGIN CERTIFICATE')
    expect(await got('/api/devices?limit=1000')).toMatchObject({ more: false })
  })

  test('what is no token is told why', async () => {
    expect(await got('/api/tokens/hello')).toMatchObject({ opens: false, why: expect.any(String) })
  })

  test('a registration is ended, and a device shut out, by the name of it', async () => {
    const other = await readyDevice(target)
    const id = String(other.device.deviceId)
    const expire = `/api/devices/${id}/expire`
    expect((await page.post(expire, { topic, confirm: id })).status).toBe(400)
    expect(await posted(expire, { topic, confirm: topic })).toMatchObject({ deviceId: id, topic })
    expect(await got(`/api/tokens/${other.token}`)).toMatchObject({
      ...{ answer: '410 ExpiredToken', explanation: { retry: 'never' } },
    })
    expect((await page.post(`/api/devices/${id}/revoke`, { confirm: 'yes' })).status).toBe(400)
    expect(await posted(`/api/devices/${id}/revoke`, { confirm: id })).toMatchObject({
      ...{ deviceId: id, certificates: 1 },
    })
    await other.device.close()
  })

  test('a code is made that activates a device', async () => {
    const { codes } = await posted<{ codes: { code: string }[] }>('/api/devices/invite', {
      count: 2,
    })
    expect(new Set(codes.map(({ code }) => code)).size).toBe(2)
  })
})

describe('the overview', () => {
  test.each(['rates', 'queues', 'devices', 'alarms'])('has %s', async (part) => {
    const read = await got<OverviewPart>(`/api/overview/${part}?since=600`)
    expect(read).toMatchObject({ part, at: expect.any(Number), refreshSeconds: expect.any(Number) })
  })

  test('is told over and over, part by part', async () => {
    const seen: string[] = []
    await page.listen('/api/overview/live', (name, data) => {
      seen.push(name === 'part' ? (data as OverviewPart).part : name)
      const again = seen.filter((one) => one === 'queues').length > 1
      return again && new Set(seen).size >= 4 ? 'enough' : undefined
    })
    expect([...new Set(seen)].sort()).toEqual(['alarms', 'devices', 'queues', 'rates'])
  })
})

test('the doctor says what it looks at, and each finding as it comes', async () => {
  const heard = await page.listen('/api/doctor')
  const [[first, begun] = []] = heard
  expect(first).toBe('begin')
  const { checks } = begun as { checks: string[] }
  const finished = heard.filter(([name]) => name === 'finding')
  expect(finished.map(([, data]) => (data as { check: string }).check).sort()).toEqual(
    [...checks].sort(),
  )
  expect(heard.at(-1)).toEqual(['end', {}])
})

// a stage on AWS has events off
test.runIf(kind === 'embedded' || isMachine)('events are heard as they happen', async () => {
  const payload = '{"aps":{"alert":"to be heard"}}'
  const { credentials } = await got<{ credentials: CredentialView[] }>('/api/credentials')
  const heard = await page.listen(`/api/events?topic=${topic}`, (name) => {
    const credential = credentials.find(({ from }) => from === 'demo')?.id
    if (name === 'ready' && credential)
      void page.post('/api/send', { credential, topic, token: ready.token, payload })
    return name === 'event' || name === 'failure' || !credential ? 'enough' : undefined
  })
  // one machine has a demo app, too, but whose credential it is, its owner says
  if (!isMachine) expect(heard.at(-1)).toMatchObject(['event', { topic }])
})

test.runIf(kind === 'embedded')('who listened leaves no queue behind', async () => {
  const { clients, close } = await openStage(target)
  const queues = async () => {
    const QueueNamePrefix = `heliograph-${target.stage}-listen-`
    const { QueueUrls = [] } = await clients.sqs.send(new ListQueuesCommand({ QueueNamePrefix }))
    return QueueUrls.length
  }
  const own = await start()
  const client = new ConsoleClient(own)
  await client.enter()
  await client.listen('/api/events', (name) => (name === 'ready' ? 'enough' : undefined))
  await until(async () => (await queues()) === 0 || undefined)
  const seen: number[] = []
  const heard = client.listen('/api/events', (name) => {
    if (name === 'ready') void queues().then((count) => own.close().then(() => seen.push(count)))
    return undefined
  })
  expect((await heard).at(-1)).toEqual(['bye', { reason: 'stopped' }])
  await until(async () => seen.length > 0 || undefined)
  expect([seen[0], await queues()]).toEqual([1, 0])
  close()
})

describe.runIf(kind === 'embedded')('dead letters', () => {
  const hostile = '</script><img src=x onerror=alert(1)>\u202e'

  const put = async (name: 'NotificationDeadLetters' | 'RuleErrors', body: string) => {
    const { clients, outputs, close } = await openStage(target)
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: outputs[name], MessageBody: body }))
    close()
  }

  const jobOf = async ({ id }: Job): Promise<Job> => {
    const heard = await page.listen(`/api/jobs/${id}/events`)
    expect(heard.at(-1)).toEqual(['end', {}])
    return heard.at(-2)?.[1] as Job
  }

  test('are read and explained; what is hostile in them is text', async () => {
    await put('RuleErrors', JSON.stringify({ ruleName: hostile }))
    const { text, value } = await page.get<{ letters: DeadLetterView[] }>('/api/dead-letters/rules')
    expect(value.letters[0]?.about).toBe(`rule ${hostile} failed`)
    expect(text).not.toContain('<')
    expect(value).toMatchObject({ queue: { redrivable: false, advice: expect.any(String) } })
  })

  test('are redriven where they can be, and what cannot stays', async () => {
    expect((await page.post('/api/dead-letters/rules/redrive')).status).toBe(409)
    await put('NotificationDeadLetters', 'no notification')
    const job = await jobOf(await posted('/api/dead-letters/notifications/redrive', {}))
    expect(job).toMatchObject({ kind: 'redrive', state: 'done', done: 0, left: 1 })
  })

  test('are dropped by the name of their queue', async () => {
    expect((await page.post('/api/dead-letters/rules/drop', { confirm: 'events' })).status).toBe(
      400,
    )
    const job = await jobOf(await posted('/api/dead-letters/rules/drop', { confirm: 'rules' }))
    expect(job).toMatchObject({ kind: 'drop', queue: 'rules', state: 'done', done: 1 })
    const { jobs } = await got<{ jobs: Job[] }>('/api/jobs')
    expect(jobs.map(({ kind: what }) => what)).toEqual(['drop', 'redrive'])
  })
})
