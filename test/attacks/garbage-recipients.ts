import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'
import { MAX_RECIPIENTS } from '@heliograph/protocol/limits'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { assemblyWith, heliograph, welcomeOperator } from '../e2e/operator-support.ts'
import { readyDevice, request, requestOn, settle, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { openHonest, percentile } from './silence.ts'

/** Requests that the attacker has under way at the same time: as many as an HTTP/2 client does. */
const AT_ONCE = 8
const DEAD = 5

interface Flooded {
  readonly seconds: number
  /** Requests by status, and what came of the tokens in those that were answered 200. */
  readonly requests: Record<number, number>
  readonly tokens: Record<number, number>
  readonly reasons: Set<string>
}

/** A certificate of the same app for somebody else. */
async function otherProvider(target: Target) {
  const { topic } = target.local.provider
  const out = join(target.state, 'other')
  await heliograph(target, ['provider', 'issue', topic, '--out', out])
  return { ...target.local.provider, cert: `${out}.pem`, key: `${out}.key` }
}

/** Tokens that were good until their devices gave the topic up. */
async function deadTokens(target: Target): Promise<string[]> {
  const leave = async () => {
    const { device, token } = await readyDevice(target)
    await device.unregister(target.local.provider.topic)
    await device.close()
    await untilDead(target, token)
    return token
  }
  return Promise.all(Array.from({ length: DEAD }, leave))
}

/** Asks seldom: the attacker has a small share, and a token that was found live is believed for seconds. */
async function untilDead(target: Target, token: string): Promise<void> {
  do await settle(500)
  while ((await request(target, { token })).status !== 410)
}

/** Half of them dead, half of them garbage that looks like tokens. */
function badTokens(dead: readonly string[]): string[] {
  return Array.from({ length: MAX_RECIPIENTS }, (_, n) =>
    n % 2 === 0 ? randomBytes(32).toString('hex') : (dead[n % dead.length] as string),
  )
}

function count(counts: Record<number, number>, status: number): void {
  counts[status] = (counts[status] ?? 0) + 1
}

/** Requests to a thousand bad tokens each, one after the other on every stream. */
async function flood(target: Target, dead: readonly string[], seconds: number): Promise<Flooded> {
  const { url, ca, cert, key, topic } = target.local.provider
  const session = http2.connect(url, {
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  })
  session.setMaxListeners(0)
  const flooded: Flooded = { seconds, requests: {}, tokens: {}, reasons: new Set() }
  const end = performance.now() + seconds * 1_000
  const send = async () => {
    while (performance.now() < end) {
      const body = JSON.stringify({ tokens: badTokens(dead), payload: { aps: {} } })
      const answer = await requestOn(session, { path: '/3/devices', topic, body })
      count(flooded.requests, answer.status)
      if (answer.reason) flooded.reasons.add(answer.reason)
      if (answer.status !== 200) continue
      for (const { status } of JSON.parse(answer.body).results) count(flooded.tokens, status)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, send))
  session.destroy()
  return flooded
}

export interface Limits {
  readonly seconds: number
  /** Notifications a second that an execution environment grants a provider. */
  readonly rate: number
  readonly environments: number
}

/** The attack: requests to a thousand dead and made-up tokens each, at full rate, beside an honest provider. */
export function harmsNoOtherProvider({ seconds, rate, environments }: Limits): void {
  let target: Target
  let honest: Awaited<ReturnType<typeof openHonest>>
  let dead: readonly string[]
  beforeAll(async () => {
    target = await startTarget({
      assembly: assemblyWith({ PROVIDER_RATE_PER_SECOND: `${rate}` }),
      tuning: { ...defaultTuning, maxEnvironments: environments },
    })
    welcomeOperator(target)
    dead = await deadTokens(target)
    honest = await openHonest(target, await otherProvider(target))
  })
  afterAll(async () => {
    await honest?.close()
    await target?.close()
  })

  it(`${seconds} s of requests to ${MAX_RECIPIENTS} bad tokens each harm no other provider`, async () => {
    await honest.times(20, 20)
    const quiet = percentile(await honest.times(seconds * 10, 100), 99)
    const startedAt = performance.now()
    // throws where one is refused, or never arrives
    const [flooded, times] = await Promise.all([
      flood(target, dead, seconds),
      honest.times(seconds * 10, 100),
    ])
    const took = (performance.now() - startedAt) / 1_000
    const { requests, tokens, reasons } = flooded
    const attacked = percentile(times, 99)
    console.info(JSON.stringify({ quiet, attacked, requests, tokens, reasons: [...reasons] }))
    expect(times).toHaveLength(seconds * 10)
    // of its own: beyond its share nothing of it is looked at
    expect(['200', '429']).toEqual(expect.arrayContaining(Object.keys(requests)))
    expect(['TooManyRequests']).toEqual(expect.arrayContaining([...reasons]))
    expect(Object.keys(tokens).sort()).toEqual(['400', '410', '429'])
    const judged = (tokens[400] ?? 0) + (tokens[410] ?? 0)
    expect(judged).toBeLessThanOrEqual(environments * rate * (10 + took) + 1)
    expect(judged).toBeGreaterThan(rate)
  })
}
