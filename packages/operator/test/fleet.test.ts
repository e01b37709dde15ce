import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ActivationOptions, HeliographDeviceError } from '@heliograph/device'
import { afterAll, describe, expect, it } from 'vitest'
import { Interrupted, patience } from '../src/campaign/pace.ts'
import type { Deployment } from '../src/deployment.ts'
import { judgeActivation, Rate } from '../src/fleet/activation.ts'
import {
  type Behavior,
  behaviors,
  changesInMs,
  dealBehaviors,
  handlingMs,
  parseMix,
} from '../src/fleet/behavior.ts'
import { codesFrom, codesMadeBy } from '../src/fleet/codes.ts'
import { type Starting, startFleet } from '../src/fleet/fleet.ts'
import { openFolder } from '../src/fleet/folder.ts'
import type { Member } from '../src/fleet/member.ts'
import { consequence, isLocal, USD_PER_CONNECTION_MINUTE } from '../src/fleet/place.ts'
import { type FleetRun, runFleet } from '../src/fleet/run.ts'
import { Tally } from '../src/fleet/tally.ts'
import { pictureText, summaryText } from '../src/fleet/text.ts'
import type { Session } from '../src/session.ts'
import { run, scratchFolder, TestTerminal } from './support.ts'

/** `device simulate` without a service; test/e2e/fleet.test.ts has it with one. */

const scratch = scratchFolder()
afterAll(() => scratch.remove())

const middle = () => 0.5
const MINUTE = 60_000

describe('behaviors', () => {
  it.each<[string, (readonly [Behavior, number])[]]>([
    ['flaky', [['flaky', 100]]],
    [
      'steady=80%,flaky=20%',
      [
        ['steady', 80],
        ['flaky', 20],
      ],
    ],
    [
      'offline-at-night=1%, steady=99%',
      [
        ['offline-at-night', 1],
        ['steady', 99],
      ],
    ],
    ['silent=100%', [['silent', 100]]],
  ])('%s', (text, mix) => {
    expect(parseMix(text)).toEqual(mix)
  })

  it.each([
    ['', '"" is not one of them with its share'],
    ['lazy', '"lazy" is not one of them with its share'],
    ['steady,flaky', '"steady" is not one of them with its share'],
    ['steady=80%', 'its shares add up to 80%'],
    ['steady=80%,flaky=30%', 'its shares add up to 110%'],
    ['steady=50%,steady=50%', 'it names a behavior twice'],
    ['steady=0%,flaky=100%', '"steady=0%" is not one of them with its share'],
    ['steady=99.5%,flaky=0.5%', '"steady=99.5%" is not one of them with its share'],
    ['steady=50,flaky=50', '"steady=50" is not one of them with its share'],
  ])('not %j', (text, why) => {
    expect(() => parseMix(text)).toThrow(why)
    expect(() => parseMix(text)).toThrow(expect.objectContaining({ kind: 'usage' }))
  })

  it('are dealt by their shares, and to a device of a larger fleet as to one of a smaller', () => {
    const mix = parseMix('steady=80%,flaky=10%,silent=5%,slow=5%')
    const dealt = dealBehaviors(mix, 1_000)
    const number = (name: Behavior) => dealt.filter((one) => one === name).length
    expect(behaviors.map(number)).toEqual([800, 100, 50, 50, 0])
    for (const count of [1, 7, 20, 333])
      expect(dealBehaviors(mix, count)).toEqual(dealt.slice(0, count))
    expect(new Set(dealt.slice(0, 20))).toEqual(new Set(['steady', 'flaky', 'silent', 'slow']))
  })

  it('say how long a notification takes', () => {
    const times = behaviors.map((name) => handlingMs(name, middle))
    expect(times).toEqual([0, 0, Number.POSITIVE_INFINITY, 5_000, 0])
    expect(handlingMs('slow', () => 0)).toBe(2_000)
  })
})

describe('coming and going', () => {
  const day = { dayMs: 30 * MINUTE }

  it.each<Behavior>(['steady', 'silent', 'slow'])('is not for %s devices', (behavior) => {
    for (const isOnline of [true, false])
      expect(changesInMs(behavior, { isOnline, sinceMs: MINUTE, ...day }, middle)).toBeUndefined()
  })

  it.each([
    [true, 0, 10_000],
    [true, 1, 60_000],
    [false, 0, 1_000],
    [false, 1, 20_000],
  ])('of flaky ones, online %s, random %d: %d ms', (isOnline, random, ms) => {
    expect(changesInMs('flaky', { isOnline, sinceMs: 0, ...day }, () => random)).toBe(ms)
  })

  it.each([
    ['in the morning: at dusk', true, 0, 20],
    ['late in the afternoon: at dusk', true, 19, 1],
    ['on the third day: at dusk', true, 60 + 5, 15],
    ['came in the night: at once', true, 25, 0],
    ['offline at dusk: in the morning', false, 20, 10],
    ['offline before the morning: then', false, 29, 1],
    ['offline in the daytime: at once', false, 3, 0],
  ])('of those that are offline at night, %s', (_when, isOnline, since, minutes) => {
    const moment = { isOnline, sinceMs: since * MINUTE, ...day }
    expect(changesInMs('offline-at-night', moment, () => 0)).toBe(minutes * MINUTE)
    // spread over a twentieth of the day
    expect(changesInMs('offline-at-night', moment, () => 1)).toBe((minutes + 1.5) * MINUTE)
  })
})

describe('the tally', () => {
  const heard = (ms: number) => ({ heardAt: 1_000 + ms, handledMs: 3 })
  const direct = { acceptedAt: 1_000, stored: false }

  it('counts by behavior and in all, and tells times online from those from storage', () => {
    const tally = new Tally()
    tally.add('steady', 'devices')
    tally.add('slow', 'devices')
    for (let ms = 1; ms <= 100; ms += 1) tally.received('steady', direct, heard(ms))
    const broadcast = { acceptedAt: 1_000, stored: true, channel: 'a' }
    tally.received('slow', broadcast, { heardAt: 61_000, handledMs: 40 })
    tally.dropped('slow', 'repeat')
    tally.dropped('slow', 'overtaken')
    tally.dropped('slow', 'unregistered')
    tally.dropped('slow', 'left')
    const summary = tally.summary()
    expect(summary).toMatchObject({ devices: 2, received: 101, fromStorage: 1, fromChannels: 1 })
    expect(summary).toMatchObject({ repeats: 1, overtaken: 1 })
    expect(summary.behaviors.steady).toMatchObject({ devices: 1, received: 100, repeats: 0 })
    expect(summary.behaviors.slow).toMatchObject({ devices: 1, received: 1, repeats: 1 })
    expect(summary.online).toEqual({ p50: 50, p90: 90, p99: 99, max: 100 })
    expect(summary.stored?.p50).toBeGreaterThan(59_900)
    expect(summary.handler?.max).toBe(40)
    expect(summary.errors).toEqual({ 'dropped: unregistered': 1, 'dropped: left': 1 })
  })

  it('has no times where nothing was received, and none below a millisecond', () => {
    const tally = new Tally()
    expect(tally.summary()).not.toHaveProperty('online')
    tally.received('steady', direct, { heardAt: 900, handledMs: 0 })
    expect(tally.summary().online).toEqual({ p50: 1, p90: 1, p99: 1, max: 1 })
  })

  it('tells a bounded number of errors apart, the most frequent first', () => {
    const tally = new Tally()
    for (let one = 0; one < 1_000; one += 1) tally.error(`cause ${one}`)
    tally.error('cause 3')
    const { errors } = tally.summary()
    expect(Object.keys(errors)).toHaveLength(31)
    expect(Object.entries(errors).slice(0, 2)).toEqual([
      ['others', 970],
      ['cause 3', 2],
    ])
  })
})

describe('an activation that fails', () => {
  const unreachable = (cause: string) =>
    new HeliographDeviceError('ActivationUnreachable', 'it cannot be reached', {
      cause: new Error(cause),
    })
  const refusal = (reason: string, status: number) =>
    new HeliographDeviceError(reason, `activation was refused (${reason})`, { status })

  it.each([
    [refusal('TooManyActivations', 429), 'activation is throttled', true],
    [refusal('ActivationRefused', 429), 'activation is throttled', true],
    [refusal('Unfinished', 503), /does not answer \(HTTP 503\)/, false],
    [unreachable('connect ECONNREFUSED ::1:1'), /does not answer \(connect ECONNREFUSED/, false],
  ])('is tried again: %s', (fault, why, isThrottled) => {
    const verdict = { do: 'again', isThrottled, why: expect.stringMatching(why) as string }
    expect(judgeActivation(fault)).toEqual(verdict)
  })

  it.each([
    [refusal('UsedActivationCode', 403), 'activation was refused (UsedActivationCode)'],
    [unreachable('self-signed certificate in certificate chain'), 'that the CA does not fit'],
    [unreachable('unable to verify the first certificate'), 'check --ca, or --target and --state'],
    [unreachable("Hostname/IP does not match certificate's altnames"), 'does not fit'],
    ['nothing that an SDK throws', 'nothing that an SDK throws'],
  ])('ends the fleet: %s', (fault, message) => {
    const verdict = judgeActivation(fault)
    expect(verdict).toMatchObject({ do: 'end', failure: { kind: 'refused' } })
    expect(verdict).toHaveProperty('failure.message', expect.stringContaining(message))
  })
})

it('a rate gives turns that far apart, and saves none up', () => {
  const rate = new Rate(4)
  expect([rate.take(1_000), rate.take(1_000), rate.take(1_100)]).toEqual([0, 250, 400])
  expect([rate.take(9_000), rate.take(9_000)]).toEqual([0, 250])
})

describe('starting', () => {
  const refused = (reason: string, status: number) =>
    new HeliographDeviceError(reason, `refused: ${reason}`, { status })

  /** A device that fails as often as there are faults, and notes its steps. */
  function fake(steps: string[], name: string, faults: unknown[] = []) {
    const member = {
      isActivated: false,
      lastCause: 'nobody knows',
      activate: async ({ code }: { readonly code: string }) => {
        steps.push(`${name} activates with ${code}`)
        if (faults.length > 0) throw faults.shift()
        member.isActivated = true
      },
      join: async () => void steps.push(`${name} joins`),
      live: () => void steps.push(`${name} lives`),
    }
    return member satisfies Starting
  }

  async function start(
    members: readonly Starting[],
    stop = new AbortController().signal,
    giveUpAfterMs = patience.giveUpAfterMs,
  ) {
    const errors: string[] = []
    let codes = 0
    await startFleet(members, {
      ...{ activateRate: 1_000, stop },
      activation: async () => {
        codes += 1
        return { url: 'https://localhost', code: `code ${codes}` }
      },
      onError: (reason) => void errors.push(reason),
      patience: { ...patience, firstWaitMs: 1, longestWaitMs: 1, giveUpAfterMs },
    })
    return errors
  }

  it('takes the first all the way before the others, each with a code of its own', async () => {
    const steps: string[] = []
    await start(['a', 'b', 'c'].map((name) => fake(steps, name)))
    expect(steps.slice(0, 3)).toEqual(['a activates with code 1', 'a joins', 'a lives'])
    expect(steps.filter((step) => step.includes('activates'))).toHaveLength(3)
    expect(steps.filter((step) => step.endsWith('lives'))).toHaveLength(3)
    expect(new Set(steps)).toHaveProperty('size', 9)
  })

  it('waits where activation is throttled, and tries the same code again', async () => {
    const steps: string[] = []
    const throttled = Array.from({ length: 3 }, () => refused('TooManyActivations', 429))
    const errors = await start([fake(steps, 'a', throttled), fake(steps, 'b')])
    expect(errors).toEqual(Array.from({ length: 3 }, () => 'activation is throttled'))
    expect(steps.slice(0, 5)).toEqual([
      ...Array.from({ length: 4 }, () => 'a activates with code 1'),
      'a joins',
    ])
  })

  it('gives up where it stays throttled', async () => {
    const throttled = Array.from({ length: 1_000 }, () => refused('TooManyActivations', 429))
    const failing = start([fake([], 'a', throttled)], new AbortController().signal, 40)
    await expect(failing).rejects.toMatchObject({ kind: 'unreachable' })
    await expect(failing).rejects.toThrow('activation is throttled, for')
  })

  it.each([
    ['the code is refused', refused('BadActivationCode', 403), 'refused'],
    ['the service does not answer the first device', refused('Unfinished', 503), 'unreachable'],
  ])('asks no second time where %s', async (_what, fault, kind) => {
    const steps: string[] = []
    const failing = start([fake(steps, 'a', [fault]), fake(steps, 'b')])
    await expect(failing).rejects.toMatchObject({ kind })
    expect(steps).toEqual(['a activates with code 1'])
  })

  it('ends all where one of the others is refused', async () => {
    const steps: string[] = []
    const others = Array.from({ length: 200 }, (_, one) => fake(steps, `device ${one}`))
    const bad = fake(steps, 'bad', [refused('UsedActivationCode', 403)])
    const failing = start([fake(steps, 'a'), ...others.slice(0, 2), bad, ...others.slice(2)])
    await expect(failing).rejects.toThrow('refused: UsedActivationCode')
    expect(steps.filter((step) => step.includes('activates')).length).toBeLessThan(60)
  })

  it('takes one first that is not activated, as that is where most can be wrong', async () => {
    const steps: string[] = []
    const known = Object.assign(fake(steps, 'known'), { isActivated: true })
    await start([known, fake(steps, 'new')])
    expect(steps.slice(0, 3)).toEqual(['new activates with code 1', 'new joins', 'new lives'])
    expect(steps).not.toContain('known activates with code 1')
  })

  it('counts a registration that is refused, where the first one was not', async () => {
    const errors = await start([
      fake([], 'a'),
      Object.assign(fake([], 'b'), { join: () => Promise.reject(refused('Timeout', 0)) }),
    ])
    expect(errors).toEqual(['Timeout'])
  })

  it('ends as refused where the first cannot register', async () => {
    const join = () => Promise.reject(refused('UnknownTopic', 0))
    const failing = start([Object.assign(fake([], 'a'), { join })])
    await expect(failing).rejects.toMatchObject({ kind: 'refused' })
  })

  it('ends when it is told to, while a device waits for its connection', async () => {
    const ending = new AbortController()
    const join = () => {
      ending.abort()
      return new Promise<void>(() => {})
    }
    const failing = start([Object.assign(fake([], 'a'), { join })], ending.signal)
    await expect(failing).rejects.toBeInstanceOf(Interrupted)
  })
})

describe('a run', () => {
  const topics = ['com.example.app']

  function fleetOf(count: number, change: Partial<Member> = {}) {
    const tally = new Tally()
    const steps: string[] = []
    const member = (number: number) => {
      tally.add('steady', 'devices')
      const one = {
        ...{ isActivated: false, lastCause: 'nobody knows', tokens: new Map() },
        open: async () => void steps.push(`${number} opens`),
        activate: async ({ url, code }: ActivationOptions) => {
          one.isActivated = true
          steps.push(`${number} activates at ${url} with ${code}`)
        },
        join: async () => {
          tally.ready += 1
        },
        live: () => void steps.push(`${number} lives`),
        stop: async () => void steps.push(`${number} stops`),
        ...change,
      }
      return one as unknown as Member
    }
    const members = Array.from({ length: count }, (_, at) => member(at + 1))
    const terminal = new TestTerminal()
    const asked: number[] = []
    const run: FleetRun = {
      ...{ members, topics, tally, activateRate: 1_000, forMs: undefined },
      session: { terminal, json: true } as unknown as Session,
      folder: {
        writeTokens: async () => {
          steps.push('tokens')
          return ['app.tokens']
        },
      } as unknown as FleetRun['folder'],
      address: { url: 'https://localhost' },
      codes: async (needed) => {
        asked.push(needed)
        return async () => 'code'
      },
    }
    return { run, steps, terminal, asked, tally }
  }

  it('lasts until it is interrupted, then ends every device and notes their tokens again', async () => {
    const { run, steps, terminal, asked } = fleetOf(2)
    const note = terminal.note.bind(terminal)
    terminal.note = (line) => {
      note(line)
      setImmediate(() => {
        steps.push('interrupted')
        terminal.interrupt()
      })
    }
    const { value, text, exit } = await runFleet(run)
    expect(value).toMatchObject({ devices: 2, ready: 2, finished: true, tokens: ['app.tokens'] })
    expect([exit, asked]).toEqual([undefined, [2]])
    expect(text).not.toContain('interrupted')
    expect(terminal.notes).toEqual(['2 devices ready; tokens: app.tokens'])
    expect(steps).toEqual([
      ...['1 opens', '2 opens'],
      ...['1 activates at https://localhost with code', '1 lives'],
      ...['2 activates at https://localhost with code', '2 lives', 'tokens', 'interrupted'],
      ...['1 stops', '2 stops', 'tokens'],
    ])
  })

  it('that is interrupted before its time says so', async () => {
    const { run, terminal } = fleetOf(1)
    terminal.note = () => terminal.interrupt()
    const { value, text, exit } = await runFleet({ ...run, forMs: 1e6 })
    expect([value, exit]).toMatchObject([{ finished: false }, 'interrupted'])
    expect(text).toContain('interrupted: the same command goes on with the same devices')
  })

  it('that is interrupted before all are there keeps the tokens that there are', async () => {
    const { run, terminal, steps } = fleetOf(1, { activate: async () => terminal.interrupt() })
    const { value, exit } = await runFleet(run)
    expect([value, exit]).toMatchObject([{ finished: false }, 'interrupted'])
    expect(terminal.notes).toEqual([])
    expect(steps).toEqual(['1 opens', 'tokens', '1 stops', 'tokens'])
  })

  it('fails where a device has not got its tokens', async () => {
    const { run, tally } = fleetOf(2)
    const live = run.members[1]?.live.bind(run.members[1])
    Object.assign(run.members[1] ?? {}, {
      live: () => {
        live?.()
        tally.ready -= 1
      },
    })
    const { value, exit } = await runFleet({ ...run, forMs: 0 })
    expect([value, exit]).toMatchObject([{ finished: true, ready: 1 }, 'failed'])
  })

  it('counts what goes wrong while it begins', async () => {
    const { run } = fleetOf(2)
    const late = new HeliographDeviceError('Timeout', 'no answer')
    Object.assign(run.members[1] ?? {}, { join: () => Promise.reject(late) })
    const { value } = await runFleet({ ...run, forMs: 0 })
    expect(value).toMatchObject({ ready: 1, errors: { Timeout: 1 } })
  })

  it('needs no codes where all are activated', async () => {
    const { run, asked } = fleetOf(2)
    for (const one of run.members) Object.assign(one, { isActivated: true })
    await runFleet({ ...run, forMs: 0 })
    expect(asked).toEqual([])
  })

  it('that cannot begin says how many are activated, and ends those', async () => {
    const refused = new HeliographDeviceError('UnknownTopic', 'the topic is unknown')
    const { run, steps } = fleetOf(3, { join: () => Promise.reject(refused) })
    await expect(runFleet(run)).rejects.toMatchObject({
      kind: 'refused',
      message: 'the topic is unknown; 1 of 3 devices are activated',
    })
    expect(steps.filter((step) => step.endsWith('stops'))).toHaveLength(3)
  })
})

describe('activation codes', () => {
  it('come from a file in its order, or are one for all', async () => {
    const next = codesFrom('one\r\ntwo\n\nthree\n', 'codes', 3)
    expect([await next(), await next(), await next()]).toEqual(['one', 'two', 'three'])
    const same = codesFrom('only\n', 'codes', 3)
    expect([await same(), await same(), await same()]).toEqual(['only', 'only', 'only'])
  })

  it.each([
    ['\n', 'codes has no activation code'],
    ['one\ntwo\n', 'codes has 2 activation codes, and 3 devices need one'],
  ])('must be enough: %j', (text, message) => {
    expect(() => codesFrom(text, 'codes', 3)).toThrow(message)
  })

  it('are made as they are needed, each for one device', async () => {
    const added: unknown[] = []
    let random = 0
    const deployment = {
      ports: { activationCodes: { add: async (one: unknown) => void added.push(one) } },
      clock: { now: () => 1_000_000 },
      ids: {
        bytes: (length: number) => {
          random += 1
          return new Uint8Array(length).fill(random)
        },
      },
    } as unknown as Deployment
    const next = codesMadeBy(async () => deployment, 120)
    await next()
    expect(added).toHaveLength(50)
    const rest = await Promise.all(Array.from({ length: 119 }, next))
    expect(new Set(rest).size).toBe(119)
    expect(added).toHaveLength(120)
    expect(added[0]).toMatchObject({ reusable: false, expiresAt: 1_000 + 3_600 })
  })
})

describe('the place', () => {
  it.each([
    ['https://localhost:2198/activate', true],
    ['https://127.0.0.1/activate', true],
    ['https://[::1]:1/', true],
    ['https://localhost.example.com/', false],
    ['https://127.example.com/', false],
    ['https://push.example.com/activate', false],
  ])('%s: on this machine %s', (url, expected) => {
    expect(isLocal(url)).toBe(expected)
  })

  it('tells what a fleet leaves and costs', () => {
    const order = { count: 1_000, url: 'https://push.example.com/a', forSeconds: 7_200 }
    expect(consequence({ ...order, isAws: true })).toContain(
      'activates 1000 simulated devices at push.example.com, which',
    )
    expect(consequence({ ...order, isAws: true })).toContain('cost about $0.0096 for 2 h,')
    expect(consequence({ ...order, forSeconds: undefined, isAws: true })).toContain('an hour')
    expect(consequence({ ...order, isAws: false })).not.toContain('$')
  })

  it('counts with the price of the cost page', () => {
    const page = readFileSync(new URL('../../../docs/cost.md', import.meta.url), 'utf8')
    const perMillion = (USD_PER_CONNECTION_MINUTE * 1_000_000).toFixed(3)
    expect(page).toContain(`| IoT Core connection minute | $${perMillion} per million |`)
  })
})

describe('the folder of a fleet', () => {
  const folder = (name: string) => join(scratch.path, name)
  const here = 'https://localhost:1/activate'

  it('is for one process at a time, and for one service', async () => {
    const first = await openFolder(folder('one'), here)
    await expect(openFolder(folder('one'), here)).rejects.toMatchObject({ kind: 'refused' })
    await first.close()
    await (await openFolder(folder('one'), here)).close()
    const foreign = openFolder(folder('one'), 'https://localhost:2/activate')
    await expect(foreign).rejects.toThrow(`were activated at ${here}, not at https://localhost:2/`)
  })

  it.each(['', '{', 'null', '{"activation":1}'])(
    'is refused where it is damaged: %j',
    async (text) => {
      mkdirSync(folder('damaged'), { recursive: true })
      writeFileSync(join(folder('damaged'), 'fleet.json'), text)
      await expect(openFolder(folder('damaged'), here)).rejects.toThrow('fleet.json is damaged')
    },
  )

  it('has the tokens of each topic, for its owner alone', async () => {
    const fleet = await openFolder(folder('tokens'), here)
    const member = (...tokens: [string, string][]) => ({ tokens: new Map(tokens) })
    const members = [member(['a', '01'], ['b', '02']), member(), member(['a', '03'])]
    const files = await fleet.writeTokens(['a', 'b'], members)
    expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual(['01\n03\n', '02\n'])
    expect(statSync(files[0] ?? '').mode & 0o777).toBe(0o600)
    expect(fleet.deviceAt(7)).toBe(join(folder('tokens'), 'devices', '00007'))
    await fleet.close()
  })
})

describe('what is shown', () => {
  const tally = new Tally()
  tally.add('steady', 'devices')
  tally.add('flaky', 'devices')
  Object.assign(tally, { activated: 1, ready: 2, connected: 1 })
  tally.received('steady', { acceptedAt: 0, stored: false }, { heardAt: 12, handledMs: 1 })

  it('is one line while it runs', () => {
    const picture = { ...tally.standing(), forMs: 12_300, perSecond: 1.5 }
    expect(pictureText({ ...picture, phase: 'starting' })).toBe('2 of 2 devices ready, 2 a second')
    expect(pictureText({ ...picture, phase: 'running', ofMs: 60_000 })).toBe(
      '12.3 s of 1 min 0 s: 1 of 2 connected, 1 received (2 a second), p99 12 ms',
    )
    expect(pictureText({ ...picture, phase: 'running', repeats: 1, lost: 3 })).toBe(
      '12.3 s: 1 of 2 connected, 1 received (2 a second), p99 12 ms, 1 repeat, 3 connections lost',
    )
  })

  it('is a summary at the end', () => {
    tally.error('Timeout')
    const before = summaryText(tally.summary(), 61_000)
    expect(before).not.toMatch(/^(ignored|lost)/m)
    tally.add('flaky', 'ignored')
    tally.add('flaky', 'lost')
    const lines = summaryText(tally.summary(), 61_000).split('\n')
    expect(lines).toContain('ignored     1, by silent devices')
    expect(lines).toContain('lost        1 connections and attempts')
    expect(lines).toContain('devices     2, 2 with their tokens')
    expect(lines).toContain('connected   1 at the end, after 1 min 1 s')
    expect(lines).toContain('to the device, online  12 ms  12 ms  12 ms  12 ms')
    expect(lines.find((line) => line.startsWith('flaky'))).toMatch(/^flaky +1 +0/)
    expect(lines.at(-1)).toBe('Timeout  1')
  })
})

describe('the command', () => {
  const far = [
    '--activation-url',
    'https://push.example.com/activate',
    '--topic',
    'com.example.app',
  ]

  it.each([
    [['--count', '0'], '--count takes a whole number', 2],
    [['--count', '5001'], 'one process simulates at most 5000 devices: start several', 2],
    [['--behaviors', 'lazy'], '--behaviors takes one of steady, flaky, silent, slow', 2],
    [['--for', 'ever'], '--for takes a time', 2],
    [['--for', '21d'], '--for must be between 1s and 20d', 2],
    [['--day', '0s'], '--day must be between 1s and 20d', 2],
    [['--activate-rate', '0'], '--activate-rate takes a whole number', 2],
    [['--join', 'short'], 'short', 2],
    [['--join', ...Array(51).fill('a')], '--join takes at most 50 channels', 2],
    [['--ca', 'ca.pem'], '--ca is for --activation-url', 2],
    [far, '--activation-url needs activation codes, too: add --code-file FILE', 2],
    [
      ['--activation-url', 'http://localhost/', '--code-file', 'codes'],
      '--activation-url takes an https address',
      2,
    ],
    [[...far, '--topic', '../x', '--code-file', 'codes'], '"../x" is not a topic', 2],
    [[...far, '--code-file', 'codes'], 'activates 100 simulated devices at push.example.com', 4],
  ])('%j', async (args, message, code) => {
    const ran = await run(['--state', scratch.path, 'device', 'simulate', ...args])
    expect(ran).toMatchObject({ code, out: '' })
    expect(ran.err).toContain(message)
  })
})
