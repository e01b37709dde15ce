import { generateKeyPairSync } from 'node:crypto'
import type { ClientHttp2Session } from 'node:http2'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeToken } from '../../tools/conformance/bearer.ts'
import { readyDevice, request, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import {
  bearer,
  connectForTokens,
  identityOf,
  socketForTokens,
  tokenFile,
} from '../e2e/token-provider.ts'
import { headerBlock, RawHttp2 } from './raw-http2.ts'

/** Networks that the flood comes from: Linux has all of 127.0.0.0/8. */
const ATTACKERS = 40
const HONEST = '127.7.7.7'
/** Requests that a connection of the flood has under way at most: what waits longer is no more of a load. */
const AT_ONCE = 25
/** Milliseconds between two volleys of the flood. */
const VOLLEY_MS = 5

/** Requests with tokens that look right: the victim's key and team, another's signature, each another one. */
function* forged(target: Target, token: string): Generator<Buffer> {
  const { keyId, teamId } = identityOf(target)
  const { url } = tokenFile(target)
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signed = makeToken({ keyId, teamId, key }, Date.now())
  const block = headerBlock({
    ...{ ':method': 'POST', ':scheme': 'https', ':authority': new URL(url).host },
    ...{ ':path': `/3/device/${token}`, 'apns-topic': 'com.example.app' },
    authorization: `bearer ${signed}`,
  })
  // in the middle of the signature, where each six bytes are eight characters by themselves
  const signature = signed.length - signed.lastIndexOf('.') - 1
  const place = block.length - signature + 24
  for (let n = 0; ; n += 1) {
    const counted = Buffer.alloc(6)
    counted.writeUInt32BE(n, 2)
    const next = Buffer.from(block)
    next.write(counted.toString('base64url'), place, 'latin1')
    yield next
  }
}

const BODY = Buffer.from('{"aps":{}}')

/** As many as it is told to, on connections from as many networks, written by hand. */
async function flood(
  target: Target,
  token: string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Pick<Flooded, 'sent' | 'garbage'>> {
  const garbage: Record<number, number> = {}
  const answered = (status: number) => {
    garbage[status] = (garbage[status] ?? 0) + 1
  }
  const connections = await Promise.all(
    Array.from({ length: ATTACKERS }, (_, n) =>
      RawHttp2.open(socketForTokens(target, `127.1.0.${n + 1}`), answered),
    ),
  )
  const requests = forged(target, token)
  const startedAt = performance.now()
  let sent = 0
  for (let past = 0; past < seconds * 1_000; past = performance.now() - startedAt) {
    const due = Math.floor((past / 1_000) * perSecond)
    for (const connection of connections)
      for (let room = AT_ONCE - connection.open; room > 0 && sent < due; room -= 1) {
        connection.request(requests.next().value, BODY)
        sent += 1
      }
    await new Promise((resolve) => setTimeout(resolve, VOLLEY_MS))
  }
  for (const connection of connections) connection.close()
  return { sent, garbage }
}

function post(session: ClientHttp2Session, token: string, authorization: string): Promise<number> {
  return new Promise((resolve) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': `/3/device/${token}` },
      ...{ 'apns-topic': 'com.example.app', authorization },
    })
    let status = 0
    stream.on('response', (headers) => {
      status = Number(headers[':status'])
    })
    stream.on('error', () => {})
    stream.on('close', () => resolve(status))
    stream.resume()
    stream.end('{"aps":{}}')
  })
}

export interface Flooded {
  readonly seconds: number
  readonly sent: number
  /** Answers to the flood, by status; 0 = its stream was reset. */
  readonly garbage: Readonly<Record<number, number>>
  readonly byToken: readonly number[]
  readonly byNewToken: readonly number[]
  readonly byCertificate: readonly number[]
}

/** At most so many garbage tokens a second, as many as the machine takes, beside three honest senders. */
async function floodBeside(
  target: Target,
  token: string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Flooded> {
  const honest = connectForTokens(target, HONEST)
  const kept = bearer(target)
  const renewals = Array.from({ length: 1_000 }, (_, n) =>
    bearer(target, { claims: { iat: Math.floor(Date.now() / 1_000) - n } }),
  )
  // what starts an execution environment is not what is measured
  for (let n = 0; n < 5; n += 1) await post(honest, token, kept)
  const end = Date.now() + seconds * 1_000
  const repeat = async (send: () => Promise<number>) => {
    const statuses: number[] = []
    while (Date.now() < end) {
      statuses.push(await send())
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return statuses
  }
  const [flooded, byToken, byNewToken, byCertificate] = await Promise.all([
    flood(target, token, { perSecond, seconds }),
    repeat(() => post(honest, token, kept)),
    repeat(() => post(honest, token, renewals.pop() ?? kept)),
    repeat(async () => (await request(target, { token })).status),
  ])
  honest.destroy()
  return { seconds, ...flooded, byToken, byNewToken, byCertificate }
}

function summaryOf({ seconds, sent, garbage, byToken, byNewToken, byCertificate }: Flooded) {
  const answered = Object.values(garbage).reduce((sum, count) => sum + count, 0)
  return {
    garbage,
    sentPerSecond: Math.round(sent / seconds),
    garbagePerSecond: Math.round(answered / seconds),
    honest: {
      byToken: byToken.length,
      byNewToken: byNewToken.length,
      byCertificate: byCertificate.length,
    },
  }
}

/** The attack: so many forged tokens a second for so long, beside honest senders of each kind. */
export function refusesNoHonestSender(perSecond: number, seconds: number): void {
  let target: Target
  beforeAll(async () => {
    target = await startTarget()
  })
  afterAll(() => target?.close())

  it(`${perSecond} garbage tokens a second refuse no honest sender`, {
    timeout: 120_000,
  }, async () => {
    const { device, token } = await readyDevice(target)
    const flooded = await floodBeside(target, token, { perSecond, seconds })
    console.info(JSON.stringify(summaryOf(flooded)))
    expect(flooded.garbage).not.toHaveProperty('200')
    for (const statuses of [flooded.byToken, flooded.byNewToken, flooded.byCertificate]) {
      expect(statuses).not.toEqual([])
      expect([...new Set(statuses)]).toEqual([200])
    }
    await device.close()
  })
}
