import { generateKeyPairSync } from 'node:crypto'
import type { ClientHttp2Session } from 'node:http2'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeToken } from '../../tools/conformance/bearer.ts'
import { readyDevice, request, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { bearer, connectForTokens, identityOf } from '../e2e/token-provider.ts'

/** Networks that the flood comes from: Linux has all of 127.0.0.0/8. */
const ATTACKERS = 40
const HONEST = '127.7.7.7'
/** Of these a stream of the flood makes so many a second at most, with the machine to itself. */
const PER_STREAM = 10

/** Tokens that look right: the victim's key and team, another's signature, each another one. */
function* forged(target: Target): Generator<string> {
  const { keyId, teamId } = identityOf(target)
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const parts = makeToken({ keyId, teamId, key }, Date.now()).split('.')
  for (let n = 0; ; n += 1) {
    const signature = Buffer.alloc(64, 1)
    signature.writeUInt32BE(n, 28)
    yield `bearer ${parts[0]}.${parts[1]}.${signature.toString('base64url')}`
  }
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
  /** Answers to the flood, by status; 0 = none. */
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
  const streams = Math.ceil(perSecond / PER_STREAM / ATTACKERS)
  const garbage: Record<number, number> = {}
  const tokens = forged(target)
  const sessions = Array.from({ length: ATTACKERS }, (_, n) =>
    connectForTokens(target, `127.1.0.${n + 1}`),
  )
  const honest = connectForTokens(target, HONEST)
  const kept = bearer(target)
  const renewals = Array.from({ length: 1_000 }, (_, n) =>
    bearer(target, { claims: { iat: Math.floor(Date.now() / 1_000) - n } }),
  )
  // what starts an execution environment is not what is measured
  for (let n = 0; n < 5; n += 1) await post(honest, token, kept)
  const end = Date.now() + seconds * 1_000
  const budget = pace(perSecond)
  const attack = async (session: ClientHttp2Session) => {
    while (Date.now() < end) {
      await budget()
      const status = await post(session, token, tokens.next().value)
      garbage[status] = (garbage[status] ?? 0) + 1
    }
  }
  const repeat = async (send: () => Promise<number>) => {
    const statuses: number[] = []
    while (Date.now() < end) {
      statuses.push(await send())
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return statuses
  }
  const attacks = sessions.flatMap((session) =>
    Array.from({ length: streams }, () => attack(session)),
  )
  const [byToken, byNewToken, byCertificate] = await Promise.all([
    repeat(() => post(honest, token, kept)),
    repeat(() => post(honest, token, renewals.pop() ?? kept)),
    repeat(async () => (await request(target, { token })).status),
  ])
  await Promise.all(attacks)
  for (const session of [...sessions, honest]) session.destroy()
  return { seconds, garbage, byToken, byNewToken, byCertificate }
}

/** Resolves so often a second. */
function pace(perSecond: number): () => Promise<void> {
  const startedAt = Date.now()
  let given = 0
  return async () => {
    given += 1
    const due = startedAt + (given / perSecond) * 1_000
    const early = due - Date.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
  }
}

function summaryOf({ seconds, garbage, byToken, byNewToken, byCertificate }: Flooded) {
  const answered = Object.values(garbage).reduce((sum, count) => sum + count, 0)
  return {
    garbage,
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
