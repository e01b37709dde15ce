import { inspect } from 'node:util'
import { isChannelId } from '@heliograph/protocol/identifiers'
import { channelOfTopic } from '@heliograph/protocol/mqtt-topic'
import { type Rule, type Scale, Skip } from './case.ts'
import { scriptedCases } from './cases/index.ts'
import type { Driver } from './driver.ts'
import { World } from './world.ts'

export interface Result {
  readonly rule: Rule
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped, or what was seen. */
  readonly why: string
  readonly seconds: number
}

/** What must hold in every case, by the rule that says so: what was seen, and in which case. */
export interface Breaches {
  /** On the wire. */
  readonly C2: string[]
  /** Of secrets. */
  readonly S5: string[]
}

export async function runScripted(
  rule: Rule,
  command: string,
  scale: Scale,
  breaches: Breaches,
): Promise<Result> {
  const work = scriptedCases[rule.id]
  if (!work) throw new Error(`${rule.id} has no case`)
  const world = await World.make(command)
  const result = await judged(rule, () => work(world, scale), world.runs.drivers)
  await world.end()
  const violations = [...world.service.violations, ...uncalledFor(world)]
  breaches.C2.push(...new Set(violations.map((what) => `${rule.id}: ${what}`)))
  breaches.S5.push(...world.runs.drivers.flatMap(leaksOf).map((what) => `${rule.id}: ${what}`))
  return result
}

/** Runs a case and says what became of it. */
export async function judged(
  rule: Rule,
  work: () => Promise<void>,
  drivers: readonly Driver[],
): Promise<Result> {
  const start = Date.now()
  const ended = (outcome: Result['outcome'], why = ''): Result => ({
    ...{ rule, outcome, why },
    seconds: (Date.now() - start) / 1_000,
  })
  try {
    await work()
    const strays = drivers.flatMap((driver) => driver.strays)
    if (strays.length > 0) throw new Error(`a line that is no answer and no event: ${strays[0]}`)
    return ended('passed')
  } catch (thrown) {
    if (thrown instanceof Skip) return ended('skipped', thrown.message)
    const last = drivers.at(-1)
    const tail = last?.events.slice(-8).map((event) => `    ${JSON.stringify(event)}`) ?? []
    const stderr = last?.stderr.trim().split('\n').slice(-8) ?? []
    const text = thrown instanceof Error ? thrown.message : inspect(thrown)
    return ended('failed', [text, ...tail, ...stderr].join('\n'))
  }
}

/** Subscriptions that no `join` asked for. */
function uncalledFor({ service, runs }: World): string[] {
  const joins = new Set(runs.drivers.flatMap((driver) => [...driver.joins]))
  const isJoined = (filter: string) => joins.has(channelOfTopic(filter) ?? '')
  return service.filters
    .filter((filter) => !isJoined(filter))
    .map((filter) => `a SUBSCRIBE to ${filter}, which was not joined`)
}

/** Secrets in what a run wrote for people. What is handed over and tokens in events are no leak. */
function leaksOf(driver: Driver): string[] {
  const lines = [
    ...driver.all('log').map(({ line }) => line),
    ...driver.all('error').map(({ message }) => message),
    driver.stderr,
  ]
  const text = lines.join('\n')
  const payloads = driver.handedOver.map(({ payloadText }) => payloadText)
  const ids = [...driver.joins].filter(isChannelId)
  const secrets: readonly (readonly [string, boolean])[] = [
    ['a private key', /PRIVATE KEY/.test(text)],
    ['the activation code', text.includes('C0NF0RM-ANCEC0D')],
    ['a token', /[0-9a-f]{64}/.test(text)],
    ['the id of a channel', ids.some((id) => text.includes(id))],
    ['a payload', payloads.some((one) => one.length > 4 && text.includes(one))],
  ]
  return secrets.filter(([, seen]) => seen).map(([what]) => what)
}
