import type { KeyPair } from './credentials.ts'
import { END_STREAM, type Frame, FrameClient, frameType } from './frames.ts'
import { shapeFaults } from './judge.ts'
import type { Result } from './run-case.ts'
import type { Sessions, Setting } from './setting.ts'
import { type Outgoing, send, summary } from './wire.ts'

/** What a single request and answer do not show. Fails with what was wrong, otherwise says what was seen. */
export interface Behavior {
  readonly id: string
  readonly title: string
  readonly expected: string
  run(context: Context): Promise<string>
}

export interface Context {
  readonly setting: Setting
  readonly sessions: Sessions
  readonly pair: KeyPair
  readonly token: string
}

export async function runBehavior(
  behavior: Behavior,
  setting: Setting,
  sessions: Sessions,
): Promise<Result> {
  const { id, expected } = behavior
  const pair = await setting.certificate('any')
  const token = await setting.token('live', setting.topic)
  if (!pair || !token)
    return { id, expected, seen: 'not run', faults: [], skipped: 'the target has no device token' }
  try {
    const seen = await behavior.run({ setting, sessions, pair, token })
    return { id, expected, seen, faults: [] }
  } catch (fault) {
    const seen = fault instanceof Error ? fault.message : String(fault)
    return { id, expected, seen, faults: [seen] }
  }
}

const BODY = Buffer.from('{"aps":{"alert":"x"}}')

export function plainRequest(
  { setting, token }: Context,
  change: Partial<Outgoing> = {},
): Outgoing {
  const fields = [
    ['apns-topic', setting.topic],
    ['apns-push-type', 'alert'],
  ] as const
  return { method: 'POST', path: `/3/device/${token}`, fields, body: BODY, ...change }
}

function frameFields({ setting, token }: Context, authority: 'authority' | 'host') {
  const { host } = new URL(setting.url)
  const named = authority === 'host' ? (['host', host] as const) : ([':authority', host] as const)
  const pseudo = [
    [':method', 'POST'],
    [':path', `/3/device/${token}`],
    [':scheme', 'https'],
  ] as const
  return [...pseudo, named, ['apns-topic', setting.topic] as const]
}

function openFrames({ setting, pair }: Context, alpn?: readonly string[]): Promise<FrameClient> {
  return FrameClient.open({ url: setting.url, ca: setting.ca, pair, ...(alpn && { alpn }) })
}

const shown = (frames: readonly Frame[]) =>
  frames
    .map(({ type, flags, payload }) => {
      const name = type === frameType.headers ? 'HEADERS' : type === frameType.data ? 'DATA' : type
      return `${name}${flags & END_STREAM ? '+END_STREAM' : ''}${type === 0 ? `(${payload.length})` : ''}`
    })
    .join(' ')

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}

async function withFrames<T>(
  context: Context,
  work: (client: FrameClient) => Promise<T>,
  alpn?: readonly string[],
): Promise<T> {
  const client = await openFrames(context, alpn)
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

const frame200: Behavior = {
  id: 'frame-200',
  title: '200 is one HEADERS frame with END_STREAM',
  expected: 'HEADERS+END_STREAM',
  run: (context) =>
    withFrames(context, async (client) => {
      const seen = shown(
        await client.answer(client.request(frameFields(context, 'authority'), BODY)),
      )
      demand(seen === 'HEADERS+END_STREAM', seen)
      return seen
    }),
}

const frameError: Behavior = {
  id: 'frame-error',
  title: 'an error is HEADERS and one DATA frame with END_STREAM',
  expected: 'HEADERS DATA+END_STREAM',
  run: (context) =>
    withFrames(context, async (client) => {
      const seen = shown(await client.answer(client.request(frameFields(context, 'authority'))))
      demand(/^HEADERS DATA\+END_STREAM\(\d+\)$/.test(seen), seen)
      return seen
    }),
}

const noAlpn: Behavior = {
  id: 'no-alpn',
  title: 'TLS without ALPN, `host` for `:authority` (aioapns; without ALPN also pushy, apnotic)',
  expected: '200 by prior knowledge',
  run: (context) =>
    withFrames(context, async (client) => {
      const frames = await client.answer(client.request(frameFields(context, 'host'), BODY))
      demand(shown(frames) === 'HEADERS+END_STREAM', shown(frames))
      return `ALPN ${client.alpnProtocol}: ${shown(frames)}`
    }),
}

const pingAck: Behavior = {
  id: 'ping-ack',
  title: 'PING is acknowledged',
  expected: 'ACK with the same eight bytes',
  run: (context) =>
    withFrames(
      context,
      async (client) => {
        const payload = Buffer.from('12345678')
        client.frame({ type: frameType.ping, payload })
        const isAck = ({ type, flags, payload: echoed }: Frame) =>
          type === frameType.ping && flags === 1 && echoed.equals(payload)
        await client.until(() => client.frames.some(isAck))
        return 'ACK'
      },
      ['h2'],
    ),
}

const SETTINGS_MAX_CONCURRENT_STREAMS = 3

const streamLimit: Behavior = {
  id: 'streams',
  title: 'at least 100 concurrent streams are advertised, a finite number',
  expected: '100 or more',
  run: (context) =>
    withFrames(context, async (client) => {
      const settings = ({ type, flags }: Frame) => type === frameType.settings && flags === 0
      await client.until(() => client.frames.some(settings))
      const { payload } = client.frames.find(settings) as Frame
      const limit = settingIn(payload, SETTINGS_MAX_CONCURRENT_STREAMS)
      demand(limit !== undefined && limit >= 100, String(limit))
      return String(limit)
    }),
}

function settingIn(payload: Buffer, id: number): number | undefined {
  for (let at = 0; at + 6 <= payload.length; at += 6)
    if (payload.readUInt16BE(at) === id) return payload.readUInt32BE(at + 2)
  return undefined
}

const concurrent: Behavior = {
  id: 'concurrent-500',
  title: '500 requests at once on one connection',
  expected: '500 answered, none refused',
  async run(context) {
    // on a busy machine too few functions may be running in the first round
    for (let round = 1; ; round += 1) {
      const { counts, slowestMs } = await sendMany(context, 500)
      const seen = `${counts}, the slowest after ${slowestMs} ms`
      if (counts === '500 × 200') return seen
      demand(round < 3, seen)
    }
  },
}

/** Sends all at once and says how often each answer came. */
async function sendMany(context: Context, count: number) {
  const session = context.sessions.of('any', context.pair)
  const sending = Array.from({ length: count }, () => send(session, plainRequest(context)))
  const answers = await Promise.all(sending)
  const counts = new Map<string, number>()
  for (const what of answers.map(summary)) counts.set(what, (counts.get(what) ?? 0) + 1)
  const times = answers.map((answer) => ('tookMs' in answer ? answer.tookMs : 0))
  return {
    counts: [...counts].map(([what, often]) => `${often} × ${what}`).join(', '),
    slowestMs: Math.round(Math.max(...times)),
  }
}

/** Requests that an edge answers by itself, before any function of the service is asked. */
const edgeRequests: readonly [string, (context: Context) => Outgoing][] = [
  ['headers of 20 kB', (context) => withField(context, 'x-long', 'x'.repeat(20_000))],
  ['collapse id of 10 kB', (context) => withField(context, 'apns-collapse-id', 'k'.repeat(10_300))],
  [
    'path of 10 kB',
    (context) => plainRequest(context, { path: `/3/device/${'a'.repeat(10_300)}` }),
  ],
  ['undecodable path', (context) => plainRequest(context, { path: '/3/device/%c3%28' })],
  ['GET, undecodable', (context) => plainRequest(context, { method: 'GET', path: '/%zz' })],
  ['body of 11 MB', (context) => plainRequest(context, { body: Buffer.alloc(11 << 20, 'x') })],
]

function withField(context: Context, name: string, value: string): Outgoing {
  const request = plainRequest(context)
  return { ...request, fields: [...request.fields, [name, value]] }
}

const alwaysShaped: Behavior = {
  id: 'err-always-shaped',
  title: 'answers that the edge makes by itself have apns-id and reason as well',
  expected: 'a reason for each',
  async run(context) {
    const session = context.sessions.of('any', context.pair)
    const seen: string[] = []
    for (const [what, make] of edgeRequests) {
      const answer = await send(session, make(context))
      seen.push(`${what}: ${summary(answer)}`)
      const faults = 'silence' in answer ? [answer.silence] : shapeFaults(answer, undefined)
      demand(faults.length === 0, `${what}: ${faults.join(', ')}`)
    }
    return seen.join('; ')
  },
}

/** What can be seen of any target from outside. */
export const behaviors: readonly Behavior[] = [
  frame200,
  frameError,
  noAlpn,
  pingAck,
  streamLimit,
  concurrent,
  alwaysShaped,
]

/** How much the order of arrival differs from that of sending. */
export function describeOrder(places: readonly number[]): string {
  let overtaken = 0
  let latest = -1
  let widest = 0
  for (const place of places) {
    if (place < latest) {
      overtaken += 1
      widest = Math.max(widest, latest - place)
    } else latest = place
  }
  return `${places.length} arrived, ${overtaken} after a later one, at most ${widest} places late`
}
