import { MAX_MULTICAST_BYTES, MAX_RECIPIENTS } from '@heliograph/protocol/limits'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readMulticastBody } from '../src/send/multicast-body.ts'

const read = (text: string | Uint8Array) =>
  readMulticastBody(typeof text === 'string' ? Buffer.from(text) : text, 'alert')

describe('the payload', () => {
  it.each([
    ['{"tokens":["a"],"payload":{}}', '{}'],
    ['{"payload":{"a":1},"tokens":["a"]}', '{"a":1}'],
    [' {\n\t"payload" : \r\n { "a" : [ 1 , 2 ] } , "tokens" : [ "a" ] } \n', '{ "a" : [ 1 , 2 ] }'],
    [
      '{"tokens":["a"],"payload":{"n":12345678901234567890,"n":1.0e5}}',
      '{"n":12345678901234567890,"n":1.0e5}',
    ],
    [
      String.raw`{"tokens":["]}\"{["],"payload":{"t":"\\\"}{][,\u0022\ud800","e":"\\"}}`,
      String.raw`{"t":"\\\"}{][,\u0022\ud800","e":"\\"}`,
    ],
    ['{"tokens":["a"],"payload":{"payload":{},"tokens":[]}}', '{"payload":{},"tokens":[]}'],
    [String.raw`{"\u0070ayload":{"a":true},"t\u006fkens":["a"]}`, '{"a":true}'],
    ['{"tokens":["a"],"payload":{"t":"\u2028\ufeff\uffff😀"}}', '{"t":"\u2028\ufeff\uffff😀"}'],
    [
      `{"tokens":["a"],"payload":{"a":${'['.repeat(1000)}${']'.repeat(1000)}}}`,
      `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`,
    ],
  ])('of %j is taken as it is there', (text, payload) => {
    expect(read(text)).toMatchObject({ payload })
  })

  it('is the text that was put in, whatever it and its surroundings are', () => {
    const white = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }),
        fc.array(white, { minLength: 9, maxLength: 9 }),
        fc.boolean(),
        (payload, tokens, w, isFirst) => {
          const text = JSON.stringify(payload, undefined, isFirst ? 1 : 0)
          const members = [
            `"payload"${w[0]}:${w[1]}${text}`,
            `"tokens"${w[2]}:${w[3]}${JSON.stringify(tokens)}`,
          ]
          const [first, second] = isFirst ? members : members.toReversed()
          const body = `${w[4]}{${w[5]}${first}${w[6]},${w[7]}${second}${w[8]}}`
          expect(read(body)).toEqual({ payload: text, tokens: JSON.parse(JSON.stringify(tokens)) })
        },
      ),
    )
  })
})

const notAnObject = 'the body is not a JSON object'
const badPayload = 'payload is not a JSON object'

describe('is refused', () => {
  it.each([
    ['nothing', '', 'no body'],
    ['what is not JSON', '{"tokens":["a"],"payload":{}', notAnObject],
    ['JSON with something behind it', '{"tokens":["a"],"payload":{}}x', notAnObject],
    ['a comma at the end', '{"tokens":["a"],"payload":{},}', notAnObject],
    ['a byte order mark', '\ufeff{"tokens":["a"],"payload":{}}', notAnObject],
    ['a list', '[]', notAnObject],
    ['a text', '"{}"', notAnObject],
    ['null', 'null', notAnObject],
    ['two payloads', '{"payload":{},"tokens":["a"],"payload":{}}', 'payload twice'],
    [
      'two payloads, one in disguise',
      String.raw`{"payload":{},"tokens":["a"],"p\u0061yload":{}}`,
      'payload twice',
    ],
    ['two lists of tokens', '{"tokens":["a"],"tokens":["a"],"payload":{}}', 'tokens twice'],
    [
      'an unknown member',
      '{"tokens":["a"],"payload":{},"topic":"com.a"}',
      'a member "topic": it must have tokens and payload',
    ],
    ['a prototype', '{"__proto__":{"tokens":["a"]},"payload":{}}', 'a member "__proto__"'],
    ['no payload', '{"tokens":["a"]}', 'has no payload'],
    ['a payload that is a text', '{"tokens":["a"],"payload":"{}"}', badPayload],
    ['a payload that is a list', '{"tokens":["a"],"payload":[]}', badPayload],
    ['a payload that is null', '{"tokens":["a"],"payload":null}', badPayload],
  ])('%s', (_what, text, detail) => {
    expect(read(text)).toMatchObject({
      reason: 'PayloadEmpty',
      detail: expect.stringContaining(detail),
    })
  })

  it.each([
    ['an empty object', '{}'],
    ['no tokens', '{"payload":{}}'],
    ['an empty list of tokens', '{"tokens":[],"payload":{}}'],
    ['tokens that are a text', '{"tokens":"a","payload":{}}'],
    ['tokens that are an object', '{"tokens":{"0":"a","length":1},"payload":{}}'],
  ])('%s', (_what, text) => {
    expect(read(text)).toMatchObject({
      reason: 'MissingDeviceToken',
      detail: expect.stringContaining('at least one'),
    })
  })

  it('what is not UTF-8, and what a front door could not read as such', () => {
    const broken = Buffer.from('{"tokens":["a"],"payload":{"t":"x"}}')
    broken[broken.length - 4] = 0xff
    for (const body of [broken, 'not-utf8'] as const)
      expect(readMulticastBody(body, 'alert')).toMatchObject({
        reason: 'PayloadEmpty',
        detail: expect.stringContaining('UTF-8'),
      })
  })

  it('a payload over the limit of its push type, counted by itself', () => {
    const body = (bytes: number) =>
      Buffer.from(`{"tokens":["a"],"payload":{"t":"${'ü'.repeat((bytes - 8) / 2)}"}}`)
    expect(readMulticastBody(body(4_096), 'alert')).toHaveProperty('payload')
    expect(readMulticastBody(body(4_098), 'alert')).toMatchObject({ reason: 'PayloadTooLarge' })
    expect(readMulticastBody(body(5_120), 'voip')).toHaveProperty('payload')
    expect(readMulticastBody(body(5_122), 'voip')).toMatchObject({ reason: 'PayloadTooLarge' })
  })

  it('more tokens than a request may have, and one more byte than a body may have', () => {
    const tokens = (count: number) => JSON.stringify(Array(count).fill('a'))
    expect(read(`{"tokens":${tokens(MAX_RECIPIENTS)},"payload":{}}`)).toHaveProperty('payload')
    expect(read(`{"tokens":${tokens(MAX_RECIPIENTS + 1)},"payload":{}}`)).toMatchObject({
      reason: 'PayloadTooLarge',
      detail: 'there are 1001 tokens, over 1000',
    })
    const full = '{"tokens":["a"],"payload":{}}'.padEnd(MAX_MULTICAST_BYTES)
    expect(read(full)).toHaveProperty('payload')
    expect(read(`${full} `)).toMatchObject({ reason: 'PayloadTooLarge' })
  })
})

describe('whatever comes', () => {
  it('is answered', () => {
    const parts = ['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '"tokens"', '"payload"', '1', 'a']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 40 }), (some) => {
        const result = read(some.join(''))
        expect('payload' in result || 'reason' in result).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(read(bytes)).toHaveProperty('reason')
      }),
    )
  })

  // code that is instrumented for mutation tests is many times slower
  it.skipIf(process.env.MUTATED_PACKAGE !== undefined).each([
    ['brackets', `{"tokens":${'['.repeat(250_000)}${']'.repeat(250_000)},"payload":{}}`],
    ['members', `{${Array.from({ length: 40_000 }, (_, n) => `"${n}":0`)}}`],
    ['the same member', `{${Array(40_000).fill('"tokens":1')}}`],
    ['one text', `{"tokens":["${'\\\\'.repeat(250_000)}"],"payload":{}}`],
    ['quotes', `{"tokens":["${'\\"'.repeat(250_000)}"],"payload":{}}`],
  ])('is answered soon: a body full of %s', (_what, text) => {
    const startedAt = performance.now()
    read(text)
    // one that looks at every character again for each takes minutes
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})
