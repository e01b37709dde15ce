import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runCampaign } from '../src/campaign/campaign.ts'
import type { Terms } from '../src/campaign/entries.ts'
import { refuseForeignList } from '../src/campaign/gone-file.ts'
import { openJournal } from '../src/campaign/journal.ts'
import { patience } from '../src/campaign/pace.ts'
import { endedOf, isOver, summaryOf } from '../src/campaign/summary.ts'
import { openTokenFile, type TokenFile } from '../src/campaign/token-file.ts'
import { Failure } from '../src/failure.ts'
import type { Edge, EdgeAnswer, EdgeRequest } from '../src/operations/edge.ts'
import { scratchFolder } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

const MINUTE = 60_000
const PAYLOAD = '{"aps":{"alert":"hello"}}'

const newToken = () => randomBytes(32).toString('hex')
const newTokens = (count: number) => Array.from({ length: count }, newToken)

type Verdict = { readonly status: number; readonly reason?: string; readonly timestamp?: number }
const ok: Verdict = { status: 200 }
const answer = (status: number, body: object, headers = {}): EdgeAnswer => ({
  status,
  headers: headers as Record<string, string>,
  body: JSON.stringify(body),
  tookMs: 1,
})
const lost = () => new Failure('unreachable', 'the connection failed')
const refusedConnection = () =>
  new Failure('unreachable', 'no connection', { cause: { code: 'ECONNREFUSED' } })

/** What happens to a request: `answer` in place of its own; `lose` the answer of what was accepted. */
interface Disturbance {
  readonly before?: () => EdgeAnswer | undefined
  readonly after?: () => void
  readonly verdict?: (token: string) => Verdict
}

/** The service as docs/provider-api.md has it: an id and a token are one notification for ten minutes. */
class FakeService implements Edge {
  now = 1_000_000
  readonly requests: { id: string | undefined; tokens: string[]; headers: object }[] = []
  readonly #accepted = new Map<string, number>()
  readonly notifications = new Map<string, number>()
  disturb: (request: number) => Disturbance = () => ({})

  async request({ path, headers = {}, body = '' }: EdgeRequest): Promise<EdgeAnswer> {
    expect(path).toBe('/3/devices')
    const { tokens } = JSON.parse(String(body)) as { tokens: string[] }
    const id = headers['apns-id']
    this.requests.push({ id, tokens, headers })
    const { before, after, verdict = () => ok } = this.disturb(this.requests.length)
    await Promise.resolve()
    const instead = before?.()
    if (instead) return instead
    const results = tokens.map((token) => {
      const result = verdict(token)
      if (result.status === 200) this.#accept(`${id} ${token}`, token)
      return result
    })
    after?.()
    return answer(200, { results })
  }

  #accept(key: string, token: string): void {
    const before = this.#accepted.get(key)
    if (before !== undefined && this.now - before < 10 * MINUTE) return
    this.#accepted.set(key, this.now)
    this.notifications.set(token, (this.notifications.get(token) ?? 0) + 1)
  }
}

interface Options {
  readonly inFlight?: number
  readonly again?: boolean
  readonly perRequest?: number
  readonly terms?: Partial<Terms>
  readonly stop?: AbortSignal
  readonly onWait?: (ms: number) => void
}

let files = 0
function newPath(): string {
  files += 1
  return join(folder.path, `tokens-${files}.txt`)
}

/** One run of a campaign over the file; the clock goes on when somebody waits. */
async function runOn(path: string, service: FakeService, options: Options = {}) {
  const file = await openTokenFile(path)
  try {
    return await runWith(file, `${path}.progress`, service, options)
  } finally {
    await file.close()
  }
}

async function runWith(file: TokenFile, path: string, service: FakeService, options: Options) {
  const journal = await openJournal(
    path,
    {
      tokensFile: file.digest,
      payload: 'digest',
      headers: { 'apns-topic': 'com.example.app' },
      tokens: file.count,
      perRequest: options.perRequest ?? 10,
      ...options.terms,
    },
    () => '5B2F1E6A-0000-4000-8000-000000000001',
  )
  try {
    const finished = await runCampaign({
      ...{ edge: service, file, journal, payload: PAYLOAD, patience },
      inFlight: options.inFlight ?? 1,
      again: options.again ?? false,
      stop: options.stop ?? new AbortController().signal,
      now: () => service.now,
      wait: async (ms, stop) => {
        options.onWait?.(ms)
        service.now += ms
        stop.throwIfAborted()
      },
      onProgress: () => {},
    })
    const gone: (readonly [string, string, number])[] = []
    for await (const one of journal.gone()) gone.push(one)
    return { finished, over: isOver(journal), gone, summary: summaryOf(journal, file) }
  } finally {
    await journal.close()
  }
}

function fileOf(tokens: readonly string[]): string {
  const path = newPath()
  writeFileSync(path, `${tokens.join('\n')}\n`)
  return path
}

/** Every token exactly once. */
function expectOnce(service: FakeService, tokens: readonly string[]): void {
  expect([...service.notifications.keys()].sort()).toEqual([...tokens].sort())
  expect([...service.notifications.values()].filter((count) => count !== 1)).toEqual([])
}

describe('a campaign', () => {
  it('reaches every device once, in full requests under one id', async () => {
    const tokens = newTokens(95)
    const service = new FakeService()
    const { finished, over, summary } = await runOn(fileOf(tokens), service, { inFlight: 3 })
    expect({ finished, over }).toEqual({ finished: true, over: true })
    expectOnce(service, tokens)
    expect(service.requests.map((one) => one.tokens.length).sort()).toEqual(
      [...Array.from({ length: 9 }, () => 10), 5].sort(),
    )
    expect(new Set(service.requests.map(({ id }) => id)).size).toBe(1)
    expect(service.requests[0]?.headers).toMatchObject({ 'apns-topic': 'com.example.app' })
    expect(summary).toMatchObject({ tokens: 95, accepted: 95, dead: {}, bad: {}, left: 0 })
  })

  it('tells dead tokens, bad tokens and refusals apart, with the time of each', async () => {
    const tokens = newTokens(25)
    const [dead, expired, bad, other, odd] = tokens
    const verdicts = new Map<string | undefined, Verdict>([
      [dead, { status: 410, reason: 'Unregistered', timestamp: 77 }],
      [expired, { status: 410, reason: 'ExpiredToken', timestamp: 78 }],
      [bad, { status: 400, reason: 'BadDeviceToken' }],
      [other, { status: 400, reason: 'DeviceTokenNotForTopic' }],
      [odd, { status: 400, reason: 'BadTopic' }],
    ])
    const service = new FakeService()
    service.disturb = () => ({ verdict: (token) => verdicts.get(token) ?? ok })
    const { summary, gone, over } = await runOn(fileOf(tokens), service)
    expect(summary).toMatchObject({
      accepted: 20,
      dead: { Unregistered: 1, ExpiredToken: 1 },
      bad: { BadDeviceToken: 1, DeviceTokenNotForTopic: 1 },
      refused: { BadTopic: 1 },
    })
    expect(gone).toEqual([
      [dead, 'Unregistered', 77],
      [expired, 'ExpiredToken', 78],
      [bad, 'BadDeviceToken', 1_000_000],
      [other, 'DeviceTokenNotForTopic', 1_000_000],
    ])
    expect(over).toBe(true)
  })

  it('sends again to those that are to come later, and to no other', async () => {
    const tokens = newTokens(10)
    const slow = new Set(tokens.slice(0, 3))
    const service = new FakeService()
    service.disturb = (request) => ({
      verdict: (token) =>
        request < 3 && slow.has(token) ? { status: 429, reason: 'TooManyRequests' } : ok,
    })
    const { summary } = await runOn(fileOf(tokens), service)
    expect(service.requests.map((one) => one.tokens.length)).toEqual([10, 3, 3])
    expect(summary.accepted).toBe(10)
    expectOnce(service, tokens)
  })

  it('goes on as long as the service takes a part of what it is given', async () => {
    const tokens = newTokens(40)
    const service = new FakeService()
    let room = 0
    service.disturb = () => {
      room = 1
      return { verdict: () => (room-- > 0 ? ok : { status: 429, reason: 'TooManyRequests' }) }
    }
    const { summary } = await runOn(fileOf(tokens), service)
    expect(summary.accepted).toBe(40)
    expectOnce(service, tokens)
  })

  it('leaves to the next run what is never accepted', async () => {
    const tokens = newTokens(20)
    const [never] = tokens
    const service = new FakeService()
    const verdict = (token: string) =>
      token === never ? { status: 429, reason: 'TooManyRequests' } : ok
    service.disturb = () => ({ verdict })
    const path = fileOf(tokens)
    const first = await runOn(path, service)
    expect(first).toMatchObject({ finished: true, over: false })
    expect(first.summary).toMatchObject({ accepted: 19, refused: { TooManyRequests: 1 } })
    service.disturb = () => ({})
    const { length } = service.requests
    const second = await runOn(path, service)
    expect(service.requests.slice(length).map((one) => one.tokens)).toEqual([[never]])
    expect(second.summary).toMatchObject({ accepted: 20, refused: {} })
    expectOnce(service, tokens)
  })
})

describe('a service that has no time', () => {
  it('is asked again when it said', async () => {
    const service = new FakeService()
    const waits: number[] = []
    service.disturb = (request) => ({
      before: () =>
        request === 1
          ? answer(429, { reason: 'TooManyRequests' }, { 'retry-after': '7' })
          : undefined,
    })
    const tokens = newTokens(5)
    await runOn(fileOf(tokens), service, { onWait: (ms) => waits.push(ms) })
    expect(waits).toEqual([7_000])
    expectOnce(service, tokens)
  })

  it('is asked less and less often, by all requests together', async () => {
    const service = new FakeService()
    const times: number[] = []
    service.disturb = (request) => ({
      before: () => {
        times.push(service.now)
        return request <= 6 ? answer(503, { reason: 'ServiceUnavailable' }) : undefined
      },
    })
    const tokens = newTokens(5)
    await runOn(fileOf(tokens), service)
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0))
    for (const [at, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(250 * 2 ** at)
      expect(gap).toBeLessThanOrEqual(500 * 2 ** at)
    }
    expectOnce(service, tokens)
  })

  it('ends the campaign after five minutes, and nothing is lost or doubled', async () => {
    const tokens = newTokens(30)
    const service = new FakeService()
    const path = fileOf(tokens)
    service.disturb = (request) => ({
      before: () => (request > 1 ? answer(429, { reason: 'TooManyRequests' }) : undefined),
    })
    await expect(runOn(path, service)).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('the service answers 429 TooManyRequests, for 5 min'),
    })
    service.now += 60 * MINUTE
    service.disturb = () => ({})
    expect((await runOn(path, service)).summary.accepted).toBe(30)
    expectOnce(service, tokens)
  })

  it.each([
    [
      '400 BadTopic',
      answer(400, { reason: 'BadTopic' }, { 'heliograph-detail': 'topic b' }),
      'BadTopic, topic b',
    ],
    ['404, an older stage', answer(404, { reason: 'BadPath' }), 'deploy it again'],
    ['an answer of a front end', answer(403, { message: 'Forbidden' }), 'refuses the request: 403'],
  ])('refuses the whole at once: %s', async (_name, refusal, sentence) => {
    const tokens = newTokens(30)
    const path = fileOf(tokens)
    const service = new FakeService()
    service.disturb = () => ({ before: () => refusal })
    await expect(runOn(path, service)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(sentence),
    })
    expect(service.requests).toHaveLength(1)
    service.disturb = () => ({})
    service.now += 60 * MINUTE
    await runOn(path, service)
    expectOnce(service, tokens)
  })

  it.each([
    ['no results', { results: [] }],
    ['results without a status', { results: Array.from({ length: 5 }, () => ({})) }],
    ['a refusal without a reason', { results: Array.from({ length: 5 }, () => ({ status: 400 })) }],
  ])('is not believed with %s', async (_name, body) => {
    const service = new FakeService()
    service.disturb = () => ({ before: () => answer(200, body) })
    await expect(runOn(fileOf(newTokens(5)), service)).rejects.toThrow('a result for each token')
  })
})

describe('a connection that is lost', () => {
  it('before its answer: the request is repeated under its id, and nobody gets it twice', async () => {
    const tokens = newTokens(40)
    const service = new FakeService()
    service.disturb = (request) => ({
      after: () => {
        if (request % 2 === 0) throw lost()
      },
    })
    const { summary } = await runOn(fileOf(tokens), service)
    expect(summary.accepted).toBe(40)
    expect(service.requests.length).toBeGreaterThan(4)
    expectOnce(service, tokens)
  })

  it('at the very first request is no service at all', async () => {
    const service = new FakeService()
    service.disturb = () => ({
      before: () => {
        throw refusedConnection()
      },
    })
    await expect(runOn(fileOf(newTokens(5)), service)).rejects.toMatchObject({
      kind: 'unreachable',
    })
    expect(service.requests).toHaveLength(1)
  })

  it('for longer than an id is known: what may have been accepted is not sent again by itself', async () => {
    const tokens = newTokens(20)
    const path = fileOf(tokens)
    const service = new FakeService()
    service.disturb = (request) => ({
      before: () => {
        if (request > 2) throw refusedConnection()
        return undefined
      },
      after: () => {
        if (request === 2) throw lost()
      },
    })
    await expect(runOn(path, service)).rejects.toMatchObject({ kind: 'unreachable' })
    service.disturb = () => ({})
    service.now += 60 * MINUTE
    const { length } = service.requests
    const later = await runOn(path, service)
    expect(service.requests).toHaveLength(length)
    expect(later).toMatchObject({ finished: true, over: false })
    expect(later.summary).toMatchObject({ accepted: 10, inDoubt: 10, left: 0 })
    expectOnce(service, tokens)
    const { summary } = await runOn(path, service, { again: true })
    expect(summary).toMatchObject({ accepted: 20, inDoubt: 0 })
  })
})

describe('a campaign that ends early', () => {
  /** The journal as it is on the disk at some moment: what kill -9 leaves. */
  async function killedAt(path: string, service: FakeService, request: number): Promise<void> {
    const kept = { journal: '' }
    const { disturb } = service
    service.disturb = (number) => {
      const own = disturb(number)
      return {
        ...own,
        after: () => {
          if (number === request) kept.journal = readFileSync(`${path}.progress`, 'utf8')
          own.after?.()
        },
      }
    }
    const original = service.request.bind(service)
    service.request = async (asked) => {
      // after the moment of the kill nothing reaches the service
      if (kept.journal !== '') throw new Failure('failed', 'killed')
      return original(asked)
    }
    await expect(runOn(path, service, { inFlight: 2 })).rejects.toThrow('killed')
    service.request = original
    service.disturb = disturb
    writeFileSync(`${path}.progress`, kept.journal)
    writeFileSync(`${path}.progress.lock`, '999999999\n')
  }

  it.each([1, 2, 3, 5, 8, 9])(
    'by kill -9 at request %i goes on where it ended, and nobody gets it twice',
    async (request) => {
      const tokens = newTokens(100)
      const path = fileOf(tokens)
      const service = new FakeService()
      service.disturb = () => ({
        verdict: (token) =>
          token.startsWith('0') ? { status: 410, reason: 'Unregistered', timestamp: 5 } : ok,
      })
      await killedAt(path, service, request)
      service.now += MINUTE
      const { summary, gone, over } = await runOn(path, service, { inFlight: 2 })
      const dead = tokens.filter((token) => token.startsWith('0'))
      expect(gone.map(([token]) => token).sort()).toEqual(dead.sort())
      expect(summary.accepted + dead.length).toBe(100)
      expect(over).toBe(true)
      expectOnce(
        service,
        tokens.filter((token) => !token.startsWith('0')),
      )
    },
  )

  it('by kill -9 an hour ago leaves in doubt what was on its way, and sends the rest', async () => {
    const tokens = newTokens(100)
    const path = fileOf(tokens)
    const service = new FakeService()
    await killedAt(path, service, 4)
    service.now += 60 * MINUTE
    const { summary } = await runOn(path, service)
    expect(summary.inDoubt).toBeGreaterThan(0)
    expect(summary.inDoubt).toBeLessThanOrEqual(20)
    expect(summary.accepted + summary.inDoubt).toBe(100)
    for (const count of service.notifications.values()) expect(count).toBe(1)
  })

  it('by Ctrl-C waits for what is in flight, and goes on another day', async () => {
    const tokens = newTokens(100)
    const path = fileOf(tokens)
    const service = new FakeService()
    const stop = new AbortController()
    service.disturb = (request) => ({
      after: () => {
        if (request === 3) stop.abort()
      },
    })
    const first = await runOn(path, service, { stop: stop.signal })
    expect(first.finished).toBe(false)
    expect(first.summary).toMatchObject({ accepted: 30, inDoubt: 0, left: 70 })
    service.now += 24 * 60 * MINUTE
    service.disturb = () => ({})
    expect((await runOn(path, service)).summary.accepted).toBe(100)
    expectOnce(service, tokens)
  })

  it('with half a line of journal goes on as if that line were not there', async () => {
    const tokens = newTokens(30)
    const path = fileOf(tokens)
    const service = new FakeService()
    await killedAt(path, service, 2)
    appendFileSync(`${path}.progress`, '{"done":1,"at":10000')
    expect((await runOn(path, service)).summary.accepted).toBe(30)
    expectOnce(service, tokens)
    for (const line of readFileSync(`${path}.progress`, 'utf8').trim().split('\n'))
      expect(() => JSON.parse(line)).not.toThrow()
  })
})

describe('a journal', () => {
  async function begun(): Promise<{ path: string; service: FakeService }> {
    const path = fileOf(newTokens(20))
    const service = new FakeService()
    await runOn(path, service)
    return { path, service }
  }

  it('is for its owner only', async () => {
    const { path } = await begun()
    expect(statSync(`${path}.progress`).mode & 0o777).toBe(0o600)
    expect(existsSync(`${path}.progress.lock`)).toBe(false)
  })

  it.each<[string, Partial<Terms>]>([
    ['the payload', { payload: 'another' }],
    ['apns-topic', { headers: { 'apns-topic': 'com.example.other' } }],
    ['apns-collapse-id', { headers: { 'apns-topic': 'com.example.app', 'apns-collapse-id': 'a' } }],
    ['apns-id', { id: '5B2F1E6A-0000-4000-8000-000000000002' }],
  ])('is refused where %s differs, by name', async (name, terms) => {
    const { path, service } = await begun()
    const { length } = service.requests
    await expect(runOn(path, service, { terms })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`another campaign (different: ${name})`),
    })
    expect(service.requests).toHaveLength(length)
  })

  it('is refused where the tokens differ', async () => {
    const { path, service } = await begun()
    appendFileSync(path, `${newToken()}\n`)
    await expect(runOn(path, service)).rejects.toThrow('(different: the tokens)')
  })

  it.each(['not json\n', '[]\n', '{"a":1}\n', `${newToken()}\n`])(
    'that is another file (%j) is refused and left as it is',
    async (text) => {
      const path = fileOf(newTokens(5))
      writeFileSync(`${path}.progress`, text)
      await expect(runOn(path, new FakeService())).rejects.toThrow('name another with --resume')
      expect(readFileSync(`${path}.progress`, 'utf8')).toBe(text)
    },
  )

  it.each([
    ['with nothing but its kind', '{"heliograph":"campaign 1"}\n'],
    ['with an id that no header takes', (text: string) => text.replace('5B2F1E6A', '5B2F\\r\\n')],
    ['of zeros', Buffer.alloc(4_096)],
    ['of one endless line', Buffer.alloc(3 << 20, 'x')],
  ])('%s is refused and left as it is', async (_name, damage) => {
    const { path } = await begun()
    const journal = `${path}.progress`
    const text = readFileSync(journal, 'utf8')
    const damaged = typeof damage === 'function' ? damage(text) : damage
    expect(damaged).not.toBe(text)
    writeFileSync(journal, damaged)
    const before = readFileSync(journal)
    await expect(runOn(path, new FakeService())).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('is not the journal of a campaign'),
    })
    expect(readFileSync(journal).equals(before)).toBe(true)
  })

  const done = '"ends":{},"gone":[],"later":{},"doubt":[]'
  it.each([
    ['of another program', '{"level":"info"}'],
    ['cut out of the middle', '{"done":1,"at":1,"ends":{"acc'],
    ['with nothing of what came of it', '{"done":1,"at":1}'],
    ['of a chunk that there is not', `{"done":2,"at":1,${done}}`],
    ['of half a chunk', `{"begun":0.5,"at":1}`],
    ['of a chunk below the first', `{"begun":-1,"at":1}`],
    ['without a time', `{"begun":1}`],
    ['with a place outside', `{"done":1,"at":1,${done.replace('"doubt":[]', '"doubt":[10]')}}`],
    [
      'with more ends than recipients',
      `{"done":1,"at":1,${done.replace('"ends":{}', '"ends":{"accepted":11}')}}`,
    ],
    ['with an end below none', `{"done":1,"at":1,${done.replace('"ends":{}', '"ends":{"a":-9}')}}`],
    ['with tokens that are not', `{"done":1,"at":1,${done.replace('"gone":[]', '"gone":[7]')}}`],
  ])('with a line %s is refused, by its number', async (_name, line) => {
    const { path, service } = await begun()
    const journal = `${path}.progress`
    const [first, ...others] = readFileSync(journal, 'utf8').split('\n')
    writeFileSync(journal, [first, line, ...others].join('\n'))
    const { length } = service.requests
    await expect(runOn(path, service)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('is damaged in line 2'),
    })
    expect(service.requests).toHaveLength(length)
  })

  it('that an editor gave the line ends of Windows loses nothing', async () => {
    const { path, service } = await begun()
    const journal = `${path}.progress`
    const text = readFileSync(journal, 'utf8').replaceAll('\n', '\r\n')
    writeFileSync(journal, text)
    const { over } = await runOn(path, service)
    expect(over).toBe(true)
    expect(readFileSync(journal, 'utf8')).toBe(text)
  })

  it('that is a link is refused, and what it leads to stays', async () => {
    const path = fileOf(newTokens(5))
    const victim = newPath()
    writeFileSync(victim, '')
    symlinkSync(victim, `${path}.progress`)
    await expect(runOn(path, new FakeService())).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('is a link'),
    })
    expect(readFileSync(victim, 'utf8')).toBe('')
  })

  it('that is a folder or a device is refused', async () => {
    const path = fileOf(newTokens(5))
    mkdirSync(`${path}.progress`)
    await expect(runOn(path, new FakeService())).rejects.toThrow('is not a file')
  })

  it('that has no place is told in one sentence', async () => {
    const path = join(folder.path, 'nowhere', 'journal')
    const terms = {
      ...{ tokensFile: 'digest', payload: 'digest', headers: {} },
      ...{ tokens: 1, perRequest: 1 },
    }
    await expect(openJournal(path, terms, () => 'unused')).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(
        /there is no such file; name another place for it with --resume FILE$/,
      ),
    })
  })

  it('is used by one process at a time', async () => {
    const path = fileOf(newTokens(5))
    writeFileSync(`${path}.progress.lock`, `${process.ppid}\n`)
    await expect(runOn(path, new FakeService())).rejects.toThrow(`process ${process.ppid} is using`)
  })

  it('counts what has ended', async () => {
    const { path, service } = await begun()
    const file = await openTokenFile(path)
    const terms = {
      ...{ tokensFile: file.digest, payload: 'digest', tokens: file.count, perRequest: 10 },
      headers: { 'apns-topic': 'com.example.app' },
    }
    const journal = await openJournal(`${path}.progress`, terms, () => 'unused')
    expect(journal.isResumed).toBe(true)
    expect(journal.terms.id).toBe(service.requests[0]?.id)
    expect(endedOf(journal)).toBe(20)
    await journal.close()
    await file.close()
  })
})

describe('a list of dead tokens', () => {
  const line = `${JSON.stringify({ token: newToken(), reason: 'Unregistered', timestamp: 5 })}\n`
  const tokens = newToken()

  it.each([
    ['a list', line, true],
    ['nothing', '', true],
    ['device tokens', tokens, false],
    ['other JSON', '{"aps":{}}\n', false],
  ])('of a campaign that goes on takes the place of %s: %s', async (_name, text, replaces) => {
    const path = newPath()
    writeFileSync(path, text)
    const refused = refuseForeignList(path, true).then(
      () => undefined,
      (fault: Failure) => fault.message,
    )
    expect((await refused) === undefined).toBe(replaces)
    await expect(refuseForeignList(path, false)).rejects.toThrow('choose another --dead-tokens')
  })

  it('takes the place of no folder and no link', async () => {
    await expect(refuseForeignList(folder.path, true)).rejects.toThrow('already exists')
    const [path, list] = [newPath(), newPath()]
    writeFileSync(list, line)
    symlinkSync(list, path)
    await expect(refuseForeignList(path, true)).rejects.toThrow('already exists')
  })
})
