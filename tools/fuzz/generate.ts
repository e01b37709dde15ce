import { pushTypes } from '@heliograph/protocol/push-type'
import type { Reason } from '@heliograph/protocol/rejection'
import type { Random } from '../simulate/random.ts'

/** What the requests are made for. */
export interface Ground {
  /** Topics of the certificate `several`; `single` has only the first. */
  readonly topics: readonly [string, string]
  token(state: 'live' | 'dead', topic: string): string
}

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly fields: readonly (readonly [string, string])[]
  readonly body: Buffer
  readonly certificate: 'several' | 'single'
  /** The expected answer; undefined where something was mangled so that only the form can be judged. */
  readonly expected: Reason | 'accepted' | undefined
  /** What the devices are expected to get. */
  readonly payload: Buffer
  /** Where it is for many devices: what must come of each token. */
  readonly results?: readonly FuzzRequest['expected'][]
}

/** One part of a request, and the answer it must get if it is the first that is wrong. */
interface Part<T> {
  readonly value: T
  readonly fault?: Reason
  readonly mangled?: boolean
}

const BAD = 0.04
const MANGLED = 0.03

function choose<T>(
  random: Random,
  good: () => T,
  bad: () => readonly [T, Reason],
  mangled: () => T,
): Part<T> {
  const turn = random.next()
  if (turn < BAD) {
    const [value, fault] = bad()
    return { value, fault }
  }
  return turn < BAD + MANGLED ? { value: mangled(), mangled: true } : { value: good() }
}

type Field = readonly [string, string]

/** One request; every part is right, wrong in a known way, or mangled. */
export function generate(random: Random, ground: Ground): FuzzRequest {
  const certificate = random.chance(0.2) ? 'single' : 'several'
  const topic = certificate === 'single' ? ground.topics[0] : random.pick(ground.topics)
  const method = methodPart(random)
  const token = tokenPart(random, ground, topic)
  const path = pathPart(random, token)
  const repeated = repeatedPart(random)
  const headers = headerParts(random, topic, certificate)
  const payload = bodyPart(random, topic)
  const head = {
    method: method.value,
    fields: [...headers.flatMap(({ value }) => value), ...repeated.value, ...noise(random)],
    certificate,
  } as const
  if (random.chance(0.25)) {
    const tokens = [token, ...tokensPart(random, ground, topic)]
    const many = manyPart(random, tokens, payload)
    return {
      ...head,
      path: '/3/devices',
      body: many.value,
      expected: expectedOf([method, repeated, ...headers, many]),
      payload: payload.value,
      results: tokens.map((one) => expectedOf([one])),
    }
  }
  return {
    ...head,
    path: path.value,
    body: payload.value,
    expected: expectedOf([method, path, repeated, ...headers, payload, token]),
    payload: payload.value,
  }
}

function tokensPart(random: Random, ground: Ground, topic: string): Part<string>[] {
  return Array.from({ length: random.int(6) }, () => tokenPart(random, ground, topic))
}

/** The body of a request to many devices; a wrong payload makes it wrong in the same way. */
function manyPart(
  random: Random,
  parts: readonly Part<string>[],
  payload: Part<Buffer>,
): Part<Buffer> {
  const tokens = JSON.stringify(parts.map(({ value }) => value))
  const space = () => random.pick(['', '', ' ', '\r\n\t'])
  const around = (before: string, after: string) =>
    Buffer.concat([Buffer.from(before), payload.value, Buffer.from(after)])
  const first = () =>
    around(`{"payload"${space()}:${space()}`, `${space()},"tokens":${tokens}}${space()}`)
  const last = () =>
    around(`${space()}{"tokens":${tokens}${space()},"p\\u0061yload":${space()}`, `${space()}}`)
  const good = () => (random.chance(0.5) ? first() : last())
  if (payload.fault !== undefined || payload.mangled) return { ...payload, value: good() }
  const bad = (): readonly [Buffer, Reason] =>
    random.pick([
      [around('{"tokens":[],"payload":', '}'), 'MissingDeviceToken'],
      [around('{"payload":', '}'), 'MissingDeviceToken'],
      [around('{"tokens":"x","payload":', '}'), 'MissingDeviceToken'],
      [around(`{"tokens":${tokens},"payload":{},"payload":`, '}'), 'PayloadEmpty'],
      [around(`{"tokens":${tokens},"x":`, '}'), 'PayloadEmpty'],
      [Buffer.from(`{"tokens":${tokens},"payload":[{}]}`), 'PayloadEmpty'],
      [around(`{"tokens":${tokens},"payload":`, ''), 'PayloadEmpty'],
      [Buffer.from(`{"tokens":${tokens}}`), 'PayloadEmpty'],
    ] as const)
  return choose(random, good, bad, () => flip(random, good()))
}

/** The first fault is told, unless something before it may be one or may be none. */
function expectedOf(parts: readonly Part<unknown>[]): FuzzRequest['expected'] {
  const first = parts.find(({ fault, mangled }) => fault !== undefined || mangled)
  return first?.mangled ? undefined : (first?.fault ?? 'accepted')
}

function methodPart(random: Random): Part<string> {
  const others = ['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'post', 'X']
  return random.chance(0.98)
    ? { value: 'POST' }
    : { value: random.pick(others), fault: 'MethodNotAllowed' }
}

function tokenPart(random: Random, ground: Ground, topic: string): Part<string> {
  const live = ground.token('live', topic)
  const flipped = () => {
    const at = random.int(64)
    const digit = (Number.parseInt(live[at] ?? '0', 16) ^ (1 << random.int(4))).toString(16)
    return live.slice(0, at) + digit + live.slice(at + 1)
  }
  const other = ground.topics.find((one) => one !== topic) ?? topic
  const bad = (): readonly [string, Reason] =>
    random.pick([
      [flipped(), 'BadDeviceToken'],
      [hex(random, 32), 'BadDeviceToken'],
      [live.slice(0, 2 * (1 + random.int(31))), 'BadDeviceToken'],
      [live + hex(random, 1 + random.int(50)), 'BadDeviceToken'],
      [ground.token('dead', topic), 'Unregistered'],
      [ground.token('live', other), 'DeviceTokenNotForTopic'],
    ] as const)
  const good = () => (random.chance(0.2) ? live.toUpperCase() : live)
  const part = choose(random, good, bad, () => mangle(random, live))
  return part.mangled ? { ...part, value: asPath(part.value) } : part
}

function hex(random: Random, bytes: number): string {
  return Buffer.from(random.bytes(bytes)).toString('hex')
}

/** What would end the path, or be decoded twice, is left out. */
function asPath(path: string): string {
  return encodeURI(path.replace(/[?#%]/g, ''))
}

function pathPart(random: Random, token: Part<string>): Part<string> {
  const bad = (): readonly [string, Reason] =>
    random.pick([
      ['/3/device/', 'MissingDeviceToken'],
      ['/', 'BadPath'],
      [`/4/device/${token.value}`, 'BadPath'],
      ['/3/feedbacks', 'BadPath'],
      [`/3/${token.value}`, 'BadPath'],
    ] as const)
  const mangled = () => `/${asPath(mangle(random, '3/device/'))}${token.value}`
  return choose(random, () => `/3/device/${token.value}`, bad, mangled)
}

function repeatedPart(random: Random): Part<Field[]> {
  const names = ['apns-topic', 'apns-priority', 'apns-push-type', 'apns-id', 'apns-channel-id']
  if (!random.chance(0.02)) return { value: [] }
  const name = random.pick(names)
  const value = [name, 'a'] as const
  return { value: [value, value], fault: 'DuplicateHeaders' }
}

const one = (name: string, value: string): Field[] => [[name, value]]

/** In the order in which they are checked. */
function headerParts(
  random: Random,
  topic: string,
  certificate: FuzzRequest['certificate'],
): Part<Field[]>[] {
  const text = () => headerText(random)
  const header = (name: string, good: () => Field[], wrong: readonly string[], reason: Reason) =>
    choose<Field[]>(
      random,
      good,
      () => [one(name, random.pick(wrong)), reason],
      () => one(name, text()),
    )
  const fitting = typeOf(topic)
  return [
    header('apns-id', () => idField(random), ['', 'x', 'This is not a UUID', '0'], 'BadMessageId'),
    topicPart(random, topic, certificate),
    header(
      'apns-push-type',
      () => (random.chance(0.3) ? [] : one('apns-push-type', fitting)),
      ['', 'shout', 'Alert', '__proto__', 'toString'],
      'InvalidPushType',
    ),
    header(
      'apns-priority',
      () => (random.chance(0.5) ? [] : one('apns-priority', random.pick(['10', '5', '1']))),
      ['', '0', '2', '100', 'ten', '1e1', '-5'],
      'BadPriority',
    ),
    header(
      'apns-expiration',
      () => (random.chance(0.5) ? [] : one('apns-expiration', goodExpiration(random))),
      ['', '1.5', 'never', '1e9', '99999999999999999999'],
      'BadExpirationDate',
    ),
    header(
      'apns-collapse-id',
      () => (random.chance(0.5) ? [] : one('apns-collapse-id', 'k'.repeat(random.int(65)))),
      ['k'.repeat(65), 'é'.repeat(33), 'k'.repeat(2_000)],
      'BadCollapseId',
    ),
  ]
}

function typeOf(topic: string): string {
  const suffixed = Object.entries(pushTypes).find(
    ([, { suffix }]) => suffix !== '' && topic.endsWith(suffix),
  )
  return suffixed?.[0] ?? 'alert'
}

function idField(random: Random): Field[] {
  if (random.chance(0.6)) return []
  const digits = hex(random, 16)
  const id = digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
  return one('apns-id', random.chance(0.5) ? id : id.toUpperCase())
}

function goodExpiration(random: Random): string {
  const now = Math.floor(Date.now() / 1000)
  return random.pick(['0', '-1', '1', String(now + random.int(10_000_000)), '1795444921898'])
}

function topicPart(
  random: Random,
  topic: string,
  certificate: FuzzRequest['certificate'],
): Part<Field[]> {
  const none: readonly [Field[], Reason] = [[], 'MissingTopic']
  const wrong: readonly [Field[], Reason] = [
    one('apns-topic', random.pick(['com.other.app', '. .', '*', `${topic}.x`, 'x'.repeat(500)])),
    'BadTopic',
  ]
  const bad = () => (certificate === 'several' && random.chance(0.3) ? none : wrong)
  const good = () =>
    certificate === 'single' && random.chance(0.3) ? [] : one('apns-topic', topic)
  return choose<Field[]>(random, good, bad, () => one('apns-topic', headerText(random)))
}

function bodyPart(random: Random, topic: string): Part<Buffer> {
  const limit = pushTypes[typeOf(topic) as keyof typeof pushTypes].maxPayload
  const object = () =>
    Buffer.from(JSON.stringify({ aps: { alert: text(random) }, n: random.next() }))
  const filled = (bytes: number) => Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`)
  const bad = (): readonly [Buffer, Reason] =>
    random.pick([
      [Buffer.alloc(0), 'PayloadEmpty'],
      [Buffer.from('[]'), 'PayloadEmpty'],
      [Buffer.from('null'), 'PayloadEmpty'],
      [Buffer.from('{"a":'), 'PayloadEmpty'],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'PayloadEmpty'],
      [filled(limit + 1 + random.int(3_000)), 'PayloadTooLarge'],
    ] as const)
  const good = () => random.pick([object, () => filled(limit), () => nested(random)])()
  const mangled = () =>
    random.chance(0.5) ? Buffer.from(random.bytes(random.int(200))) : flip(random, object())
  return choose(random, good, bad, mangled)
}

function nested(random: Random): Buffer {
  const depth = 1 + random.int(1_900)
  return Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)},"a":1e999}`)
}

function flip(random: Random, bytes: Buffer): Buffer {
  const at = random.int(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8))
  return bytes
}

/** Headers that change nothing. */
function noise(random: Random): Field[] {
  const fields: readonly Field[] = [
    ['content-type', 'application/json'],
    ['content-type', 'application/x-www-form-urlencoded'],
    ['accept', '*/*, text/html'],
    ['user-agent', 'x'.repeat(random.int(300))],
    ['authorization', 'bearer a.b'],
    ['x-any', headerText(random)],
  ]
  return random.chance(0.5) ? [random.pick(fields)] : []
}

/**
 * What HTTP/2 takes in a value. No spaces at its ends, which make the edge's HTTP/2 library drop the
 * field, and no comma, which is a repeated header no matter what else is wrong.
 */
function headerText(random: Random): string {
  const codes = Array.from({ length: random.int(80) }, () =>
    random.chance(0.9) ? 0x20 + random.int(0x5f) : 0xa1 + random.int(0x5e),
  )
  return String.fromCodePoint(...codes)
    .replaceAll(',', ';')
    .trim()
}

function text(random: Random): string {
  const codes = Array.from({ length: random.int(60) }, () => {
    const plane = random.pick([0x80, 0x800, 0xd800, 0x110000])
    return random.int(plane)
  })
  return String.fromCodePoint(
    ...codes.map((code) => (code >= 0xd800 && code < 0xe000 ? 0xd7ff : code)),
  )
}

function mangle(random: Random, original: string): string {
  const at = random.int(original.length + 1)
  return original.slice(0, at) + text(random) + original.slice(at + random.int(4))
}
