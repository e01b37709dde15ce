import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { text } from 'node:stream/consumers'
import { allowances } from '@heliograph/core/devices/device-budget'
import { parseNotification } from '@heliograph/core/notification'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { issueProvider } from '../../packages/operator/src/operations/issue-provider.ts'
import { forbidDevice } from './forbidden-device.ts'
import { assemblyWith, openFor } from './operator-support.ts'
import {
  activatePlainly,
  alertOf,
  openTestDevice,
  PlainDevice,
  pendingTexts,
  readyDevice,
  request,
  type Sent,
  settle,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'

let target: Target

beforeAll(async () => {
  // DynamoDB may take days to remove what has expired; here it takes a tenth of a second
  target = await startTarget({ tuning: { ...defaultTuning, ttlIntervalMs: 100 } })
})

afterAll(() => target?.close())

interface Entry {
  readonly token?: string
  readonly timestamp: number
  readonly reason: string
  readonly id?: string
}

interface Page {
  readonly feedback: readonly Entry[]
  readonly cursor: string
}

type Credentials = { readonly cert: string; readonly key: string }

/** `GET /3/feedback` with a query, on a connection of its own. */
async function getFeedback(
  query: Readonly<Record<string, string>>,
  credentials: Credentials = demoCredentials(),
): Promise<{ readonly status: number; readonly detail: unknown; readonly body: string }> {
  const { url, ca } = target.local.provider
  const session = http2.connect(url, { ca: readFileSync(ca), ...credentials })
  const stream = session.request({ ':path': `/3/feedback?${new URLSearchParams(query)}` })
  try {
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    const body = await text(stream)
    return { status: Number(headers[':status']), detail: headers['heliograph-detail'], body }
  } finally {
    session.close()
  }
}

function demoCredentials(): Credentials {
  const { cert, key } = target.local.provider
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

async function readFeedback(
  query: Readonly<Record<string, string>> = {},
  credentials?: Credentials,
): Promise<Page> {
  const { status, body } = await getFeedback(query, credentials)
  if (status !== 200) throw new Error(`feedback was refused: ${body}`)
  return JSON.parse(body) as Page
}

/** The entries about a token once there are so many, from the start of the log. */
/** Of a dead token, or of a notification by its id. */
function entriesOf(about: string, count = 1): Promise<readonly Entry[]> {
  return until(async () => {
    const entries = (await readFeedback()).feedback.filter(
      ({ token, id }) => (token ?? id) === about,
    )
    return entries.length >= count ? entries : undefined
  })
}

const idOf = ({ headers }: Sent): string => String(headers['apns-id'])

function send(token: string, alert: string, expiration?: number | string) {
  const headers = expiration === undefined ? {} : { 'apns-expiration': String(expiration) }
  return request(target, { token, body: JSON.stringify({ aps: { alert } }), headers })
}

const seconds = () => Math.floor(Date.now() / 1000)

/** What the pending table holds for a text, once it does. */
function slotWith(alert: string) {
  return until(async () => {
    const found = (await pendingTexts(target)).find((slot) => slot.includes(alert))
    return found === undefined ? undefined : parseNotification(found)
  })
}

/** A device that is registered and gone, and the directory to bring it back from. */
async function awayDevice() {
  const { device, directory, token } = await readyDevice(target)
  await device.close()
  return { directory, token }
}

// first, because it takes longest: five tests run at a time
describe.concurrent('a device that does not acknowledge', () => {
  it('is sent the notification once more, from its slot', async () => {
    const { device, token } = await silentDevice()
    expect((await send(token, 'unheard')).status).toBe(200)
    const first = await device.take('heliograph/notification')
    expect(first.stored).toBe(false)
    device.acknowledge()
    // no PUBACK within five seconds: the service cannot know whether the device has it
    const second = await device.take('heliograph/notification')
    expect(second).toMatchObject({ id: first.id, seq: first.seq, stored: true })
    await slotWithout('unheard')
    await device.close()
  })

  it('is sent what is in its slot again while it stays connected', async () => {
    const { device, activation, token } = await silentDevice()
    await device.close()
    await send(token, 'kept for the silent')
    const slot = await slotWith('kept for the silent')
    // deliver sends it once more after storing it; from then on only connect and the queue do
    await settle(500)
    const back = new SilentDevice(activation)
    await back.connect()
    await back.publish(activation.answer.publish.connect, { tokens: [token] })
    const first = await back.take('heliograph/notification')
    expect(first).toMatchObject({ seq: slot?.seq, stored: true })
    back.acknowledge()
    // five seconds for the PUBACK, then a rest of ten
    await until(() => back.has('heliograph/notification') || undefined)
    expect(await back.take('heliograph/notification')).toEqual(first)
    await slotWithout('kept for the silent')
    await back.close()
  })

  async function silentDevice() {
    const activation = await activatePlainly(target)
    const device = new SilentDevice(activation)
    await device.connect()
    await device.publish(activation.answer.publish.register, { topic: 'com.example.app' })
    const token = String((await device.take('heliograph/token')).token)
    return { device, activation, token }
  }

  function slotWithout(alert: string) {
    return until(async () => !(await pendingTexts(target)).some((slot) => slot.includes(alert)))
  }
})

/** A client that reads its notifications and sends no PUBACK for them until it is told to. */
class SilentDevice extends PlainDevice {
  #silent = true

  constructor(...options: ConstructorParameters<typeof PlainDevice>) {
    super(...options)
    const { handleMessage } = this.client
    this.client.handleMessage = (packet, callback) => {
      if (this.#silent && packet.topic === 'heliograph/notification')
        callback(new Error('this device says nothing'))
      else handleMessage.call(this.client, packet, callback)
    }
  }

  acknowledge(): void {
    this.#silent = false
  }

  has(topic: string): boolean {
    return this.messages.some((message) => message.topic === topic)
  }
}

describe.concurrent('what a provider learns', () => {
  it('of a token whose device gave the topic up: 410 with the time, within the cache bound', async () => {
    const { device, token } = await readyDevice(target)
    // accept believes for five seconds that the token is registered
    expect((await send(token, 'fills the cache')).status).toBe(200)
    const before = Date.now()
    await device.unregister('com.example.app')
    const gone = await until(async () => {
      const answer = await send(token, 'too late')
      return answer.status === 410 ? answer : undefined
    })
    // and the answer takes its time on a busy machine
    expect(Date.now() - before).toBeLessThan(5_000 + 10_000)
    const { reason, timestamp } = JSON.parse(gone.body) as Entry
    expect(reason).toBe('Unregistered')
    const [entry] = await entriesOf(token)
    expect(entry).toEqual({ token, timestamp, reason: 'Unregistered' })
    expect(timestamp).toBeGreaterThanOrEqual(before - 1_000)
    await device.close()
  })

  it('of a token that came back to life: 200 again, and when it had died', async () => {
    const { device, received, token } = await readyDevice(target)
    for (const round of [1, 2]) {
      await device.unregister('com.example.app')
      const entries = await entriesOf(token, round)
      expect(entries.map(({ reason }) => reason)).toEqual(Array(round).fill('Unregistered'))
      const registeredAt = Date.now()
      expect(await device.register('com.example.app')).toBe(token)
      // Apple: only an entry that is younger than the registration says that the token is dead
      expect(entries.every(({ timestamp }) => timestamp <= registeredAt)).toBe(true)
      expect((await send(token, `alive ${round}`)).status).toBe(200)
      await until(() => received.some((one) => alertOf(one) === `alive ${round}`) || undefined)
    }
    expect(await entriesOf(token)).toHaveLength(2)
    await device.close()
  })

  it('of a notification that was never fetched: Expired, once, with its id', async () => {
    const { token } = await awayDevice()
    const id = randomUUID()
    const headers = { 'apns-id': id, 'apns-expiration': String(seconds() + 2) }
    expect((await request(target, { token, headers })).status).toBe(200)
    expect(await entriesOf(id)).toEqual([{ reason: 'Expired', id, timestamp: expect.any(Number) }])
    await settle(1_000)
    expect(await entriesOf(id)).toHaveLength(1)
  })

  it('of a device that may not receive: Undeliverable, and no slot is left', async () => {
    const { device, received, token } = await readyDevice(target)
    const allow = await forbidDevice(target, device.deviceId)
    const sent = await send(token, 'forbidden')
    expect(sent.status).toBe(200)
    expect(await entriesOf(idOf(sent))).toMatchObject([{ reason: 'Undeliverable' }])
    expect((await pendingTexts(target)).some((slot) => slot.includes('forbidden'))).toBe(false)
    expect(received).toEqual([])
    await allow()
    expect((await send(token, 'allowed')).status).toBe(200)
    await until(() => received.some((one) => alertOf(one) === 'allowed') || undefined)
    await device.close()
  })

  it('with a certificate of another topic: nothing of this one', async () => {
    const { device, token } = await readyDevice(target)
    await device.unregister('com.example.app')
    await entriesOf(token)
    const deployment = await openFor(target)
    const other = await issueProvider(deployment, { topics: ['com.other.feedback'] })
    deployment.close()
    const credentials = { cert: other.certificatePem, key: other.keyPem }
    expect((await readFeedback({}, credentials)).feedback).toEqual([])
    expect(await getFeedback({ topic: 'com.example.app' }, credentials)).toMatchObject({
      status: 400,
      body: '{"reason":"BadTopic"}',
    })
    await device.close()
  })

  it('page by page while others write: every entry, none twice', async () => {
    const topic = 'com.example.app.voip'
    const { device } = await readyDevice(target)
    // as many as a device may ask for at once
    const rounds = allowances.unregister.burst - 1
    let writing = true
    const written = (async () => {
      for (let round = 0; round < rounds; round += 1) {
        await device.register(topic)
        await device.unregister(topic)
        await until(async () => (await countOf(topic)) > round || undefined)
      }
    })().finally(() => {
      writing = false
    })
    // awaited below, and no unhandled rejection until then
    written.catch(() => {})
    const seen: Entry[] = []
    let cursor = ''
    const readOn = async () => {
      const page = await readFeedback({ topic, ...(cursor && { after: cursor }) })
      seen.push(...page.feedback)
      cursor = page.cursor
      return page.feedback.length
    }
    while (writing) await readOn()
    await written
    while ((await readOn()) > 0);
    expect(seen).toHaveLength(rounds)
    const times = seen.map(({ timestamp }) => timestamp)
    expect(new Set(times).size).toBe(rounds)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    await device.close()
  })

  it('for a cursor that is not one: a refusal in Apple’s shape', async () => {
    const { status, detail, body } = await getFeedback({ after: 'yesterday' })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(Object.keys(JSON.parse(body))).toEqual(['reason'])
    expect(detail).toMatch(/cursor/)
  })

  async function countOf(topic: string): Promise<number> {
    return (await readFeedback({ topic })).feedback.length
  }
})

describe.concurrent('apns-expiration', () => {
  it('absent: kept for thirty days', async () => {
    const { token } = await awayDevice()
    await send(token, 'without expiration')
    const slot = await slotWith('without expiration')
    const lifetime = (slot?.expiration ?? 0) - Math.floor((slot?.acceptedAt ?? 0) / 1000)
    expect(lifetime).toBe(30 * 24 * 3600)
  })

  it('beyond thirty days: cut to thirty', async () => {
    const { token } = await awayDevice()
    await send(token, 'far expiration', seconds() + 365 * 24 * 3600)
    const slot = await slotWith('far expiration')
    const lifetime = (slot?.expiration ?? 0) - Math.floor((slot?.acceptedAt ?? 0) / 1000)
    expect(lifetime).toBe(30 * 24 * 3600)
  })

  it('0: delivered to who is there, never stored for who is not', async () => {
    const { device, received, token } = await readyDevice(target)
    await send(token, 'now', 0)
    await until(() => received.some((one) => alertOf(one) === 'now') || undefined)
    await device.close()
    const sent = await send(token, 'or never', 0)
    expect(await entriesOf(idOf(sent))).toMatchObject([{ reason: 'Expired' }])
    expect((await pendingTexts(target)).some((slot) => slot.includes('or never'))).toBe(false)
  })

  it('in the past: accepted, never delivered, told as expired', async () => {
    const { device, received, token } = await readyDevice(target)
    const sent = await send(token, 'yesterday', seconds() - 86_400)
    expect(sent.status).toBe(200)
    expect(await entriesOf(idOf(sent))).toMatchObject([{ reason: 'Expired' }])
    expect((await send(token, 'today')).status).toBe(200)
    await until(() => received.length > 0 || undefined)
    expect(received.map(alertOf)).toEqual(['today'])
    await device.close()
  })

  it('soon: kept until then, and no older one comes in its place', async () => {
    const { directory, token } = await awayDevice()
    await send(token, 'older, for long')
    await slotWith('older, for long')
    const sent = await send(token, 'newer, for short', seconds() + 2)
    await slotWith('newer, for short')
    expect(await entriesOf(idOf(sent))).toMatchObject([{ reason: 'Expired' }])
    const back = await openTestDevice(target, directory)
    await back.device.connect()
    await settle()
    expect(back.received).toEqual([])
    await back.device.close()
  })

  it.each(['', 'soon', '1.5', '99999999999999999999'])(
    'malformed (%s): BadExpirationDate',
    async (expiration) => {
      const { device, token } = await readyDevice(target)
      const answer = await send(token, 'x', expiration)
      expect([answer.status, answer.reason]).toEqual([400, 'BadExpirationDate'])
      await device.close()
    },
  )
})

describe.concurrent('IoT Core that closed the sockets of a frozen execution environment', () => {
  it('costs nobody a notification: with apns-expiration 0 six of six arrive, each once', async () => {
    const used = new WeakSet<object>()
    let cut = 0
    const stale = await startTarget({
      tuning: { ...defaultTuning, maxEnvironments: 1 },
      beforeService({ service, request: { raw } }) {
        if (service !== 'iotdata') return undefined
        const reused = used.has(raw.socket)
        used.add(raw.socket)
        if (reused) cut += 1
        return reused ? { outcome: 'cut' } : undefined
      },
    })
    try {
      const { device, received, token } = await readyDevice(stale)
      const texts = ['1', '2', '3', '4', '5', '6']
      for (const text of texts) {
        const body = JSON.stringify({ aps: { alert: text } })
        await request(stale, { token, body, headers: { 'apns-expiration': '0' } })
        await until(() => received.some((one) => alertOf(one) === text) || undefined)
      }
      expect(cut).toBeGreaterThanOrEqual(texts.length - 1)
      expect(received.map(alertOf)).toEqual(texts)
      await device.close()
    } finally {
      await stale.close()
    }
  })
})

describe.concurrent('a limit per token', () => {
  it('answers 429 TooManyRequests once the burst is spent, and only for that token', async () => {
    const limited = await startTarget({
      assembly: assemblyWith({ TOKEN_RATE_PER_SECOND: '2' }),
      // each execution environment counts for itself
      tuning: { ...defaultTuning, maxEnvironments: 1 },
    })
    try {
      const [one, other] = [await readyDevice(limited), await readyDevice(limited)]
      // at once, and three times the burst: on a busy machine the bucket fills again meanwhile
      const send = (alert = 'x') =>
        request(limited, { token: one.token, body: JSON.stringify({ aps: { alert } }) })
      const answers = await Promise.all(Array.from({ length: 60 }, () => send()))
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused.length).toBeGreaterThan(0)
      expect(refused[0]).toMatchObject({ reason: 'TooManyRequests' })
      expect(refused[0]?.headers['heliograph-detail']).toBeTruthy()
      expect((await request(limited, { token: other.token })).status).toBe(200)
      await until(async () => (await send('the last')).status === 200 || undefined)
      const accepted = answers.filter(({ status }) => status === 200).length
      expect(accepted).toBeGreaterThanOrEqual(20)
      // of the others some may have been replaced, where the machine was too busy for a PUBACK in time
      await until(() => one.received.map(alertOf).includes('the last') || undefined)
      await Promise.all([one.device.close(), other.device.close()])
    } finally {
      await limited.close()
    }
  })
})
