import { beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../src/iot/message.ts'
import { RulesEngine } from '../src/iot/rules/engine.ts'
import { evaluate } from '../src/iot/rules/evaluate.ts'
import { parseSql } from '../src/iot/rules/parse.ts'

function run(sql: string, payload: unknown, more: { topic?: string; clientId?: string } = {}) {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  return evaluate(parseSql(sql), {
    payload: bytes,
    document: Buffer.isBuffer(payload) ? undefined : (payload as object),
    topic: more.topic ?? 'a/b/c',
    clientId: more.clientId,
    certificateId: 'cert',
    timestamp: 1_700_000_000_000,
    traceId: 'trace',
    accountId: '000000000000',
  })?.output
}

describe('SELECT', () => {
  const payload = { color: { red: 255 }, temperature: 50, note: null }

  it.each([
    ['SELECT *', payload],
    ['SELECT temperature', { temperature: 50 }],
    ['SELECT color.red', { red: 255 }],
    ['SELECT color.red AS r, temperature AS t', { r: 255, t: 50 }],
    ['SELECT *, 15 AS speed', { ...payload, speed: 15 }],
    ["SELECT 'x' AS temperature, *", { ...payload }],
    ['SELECT missing, color.missing.deep AS deep, note', { note: null }],
    [
      'SELECT topic() AS a, topic(1) AS b, topic(3) AS c, topic(4) AS d',
      { a: 'a/b/c', b: 'a', c: 'c' },
    ],
    ['SELECT clientid() AS c, principal() AS p', { c: 'me', p: 'cert' }],
    [
      'SELECT timestamp() AS t, accountid() AS a, traceid() AS i',
      {
        t: 1_700_000_000_000,
        a: '000000000000',
        i: 'trace',
      },
    ],
    [
      "SELECT 'it''s' AS s, -1.5 AS n, true AS b, null AS z",
      { s: "it's", n: -1.5, b: true, z: null },
    ],
    ['SELECT (temperature - 32) * 5 / 9 AS celsius', { celsius: 10 }],
    ["SELECT 'n' + temperature AS s, 7 % 4 AS m", { s: 'n50', m: 3 }],
    ["SELECT upper('ab') AS u, lower('AB') AS l", { u: 'AB', l: 'ab' }],
    ["select TOPIC(2) as t from 'a/#' where TRUE", { t: 'b' }],
  ])('%s', (sql, expected) => {
    expect(run(sql, payload, { clientId: 'me' })).toEqual(expected)
  })

  it('encode gives the payload as it came, JSON or not', () => {
    const bytes = Buffer.from([0, 255, 1])
    expect(run("SELECT encode(*, 'base64') AS data, topic() AS t", bytes)).toEqual({
      data: bytes.toString('base64'),
      t: 'a/b/c',
    })
    expect(run("SELECT encode(name, 'base64') AS n", { name: 'ü' })).toEqual({
      n: Buffer.from('ü').toString('base64'),
    })
  })

  it('SELECT * of what is not JSON is the bytes; a field of it is nothing', () => {
    const bytes = Buffer.from('plain')
    expect(run('SELECT *', bytes)).toEqual(bytes)
    expect(run('SELECT *, a', bytes)).toEqual({})
  })

  it('newuuid is new each time', () => {
    const one = run('SELECT newuuid() AS id', {}) as { id: string }
    expect(one.id).toMatch(/^[0-9a-f]{8}-/)
    expect(run('SELECT newuuid() AS id', {})).not.toEqual(one)
  })

  it('a field named __proto__ or constructor is a field', () => {
    const tricky = JSON.parse('{"__proto__": {"x": 1}, "a": 2}')
    const output = run('SELECT *, constructor AS c', tricky) as object
    expect(Object.keys(output)).toEqual(['__proto__', 'a'])
    expect('x' in output).toBe(false)
  })
})

describe('WHERE', () => {
  it.each([
    ["color = 'red'", true],
    ["color <> 'red'", false],
    ["color != 'blue'", true],
    ['size > 3 AND size <= 5', true],
    ['size < 3 OR NOT big', true],
    ['size = 4 AND (big OR size >= 5)', false],
    ["NOT color = 'blue'", true],
    ['missing = 1', false],
    ['missing <> 1', false],
    ['NOT missing', false],
    ["size = '4'", false],
    ["size > 'a'", false],
    ['isUndefined(missing)', true],
    ['isNull(nothing)', true],
    ["topic(2) = 'b'", true],
    ['size', false],
    ['size / 0 = 1', false],
  ])('%s: %s', (condition, expected) => {
    const payload = { color: 'red', size: 4, big: false, nothing: null }
    expect(run(`SELECT * WHERE ${condition}`, payload) !== undefined).toBe(expected)
  })
})

describe('SQL that is not run here', () => {
  it.each([
    ['', /SELECT is expected/],
    ['SELECT', /"the end"/],
    ["SELECT VALUE color FROM 'a'", /"VALUE"|"color"/],
    ["SELECT topic(2) FROM 'a'", /needs a name/],
    ["SELECT get_thing_shadow('a') AS s FROM 'a'", /get_thing_shadow\(\)/],
    ["SELECT constructor(1) AS s FROM 'a'", /constructor\(\)/],
    ["SELECT encode(*, 'hex') AS s", /base64/],
    ['SELECT encode(*) AS s', /1 arguments/],
    ['SELECT upper(*) AS s', /does not take \*/],
    ['SELECT topic(0) AS s', /whole number/],
    ['SELECT topic(a) AS s', /whole number/],
    ["SELECT CASE a WHEN 1 THEN 2 END AS s FROM 'a'", /"CASE"/],
    ["SELECT (SELECT a FROM b) AS s FROM 'a'", /"SELECT"/],
    ["SELECT a FROM 'a' WHERE b IN [1]", /at "\[1\]"/],
    ["SELECT a FROM 'a' WHERE b IN (1)", /"IN"/],
    ["SELECT a FROM 'a' LIMIT 1", /"LIMIT"/],
    ['SELECT a FROM a', /string is expected/],
    ['SELECT a AS from', /"from"/],
    ["SELECT a FROM 'a", /cannot be read/],
  ])('%s', (sql, message) => {
    expect(() => parseSql(sql)).toThrow(message)
  })
})

describe('the engine', () => {
  let invoked: unknown[]
  let queued: { queue: string; body: string }[]
  let log: string[]
  let engine: RulesEngine
  beforeEach(() => {
    invoked = []
    queued = []
    log = []
    engine = new RulesEngine({
      identity: { accountId: '000000000000', region: 'eu-west-1' },
      functions: {
        invoke: () => Promise.reject(new Error('never')),
        invokeAsync: (functionArn, event) => {
          if (functionArn === 'broken') throw new Error('There is no function broken.')
          invoked.push(event)
        },
      },
      permits: (functionArn, principal, sourceArn) =>
        functionArn !== 'closed' &&
        principal === 'iot.amazonaws.com' &&
        sourceArn.startsWith('arn:aws:iot:eu-west-1:000000000000:rule/'),
      sendToQueue: async (queue, body) => {
        if (queue === 'gone') throw new Error('There is no such queue.')
        queued.push({ queue, body })
      },
      log: (_part, line) => void log.push(line),
      now: () => 5,
    })
  })

  const rule = (Sql: string, more: object = {}) => ({
    Sql,
    AwsIotSqlVersion: '2016-03-23',
    Actions: [{ Lambda: { FunctionArn: 'f' } }],
    ...more,
  })
  const RoleArn = 'arn:aws:iam::000000000000:role/iot'
  async function accept(topic: string, payload = '{"n":1}', more: Partial<Message> = {}) {
    engine.accept({ topic, payload: Buffer.from(payload), ...more })
    await engine.idle()
  }

  it.each([
    ['a/b', 'a/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['+/b', 'a/b', true],
    ['#', 'a', true],
    ['#', '$aws/events/presence/connected/x', false],
    ['$aws/events/presence/+/x', '$aws/events/presence/connected/x', true],
  ])('FROM %s with topic %s: %s', async (filter, topic, runs) => {
    engine.put('r', rule(`SELECT * FROM '${filter}'`))
    await accept(topic)
    expect(invoked.length).toBe(runs ? 1 : 0)
  })

  it('Basic Ingest reaches the named rule whatever its FROM, without the prefix', async () => {
    engine.put('mine', rule("SELECT topic() AS t, topic(1) AS first FROM 'other'"))
    engine.put('all', rule("SELECT 'all' AS t FROM '#'"))
    await accept('$aws/rules/mine/device1/x')
    expect(invoked).toEqual([{ t: 'device1/x', first: 'device1' }])
  })

  it('a rule needs no FROM for Basic Ingest', async () => {
    engine.put('mine', rule('SELECT *'))
    await accept('$aws/rules/mine')
    await accept('elsewhere')
    expect(invoked).toEqual([{ n: 1 }])
  })

  it('a rule that is not there, or deleted, is logged and drops the message', async () => {
    engine.put('mine', rule('SELECT *'))
    engine.delete('mine')
    await accept('$aws/rules/mine/x')
    expect(invoked).toEqual([])
    expect(log.join()).toMatch(/RULE_NOT_FOUND.*mine/)
  })

  it('a disabled rule does nothing', async () => {
    engine.put('mine', rule("SELECT * FROM 'a'", { RuleDisabled: true }))
    await accept('a')
    await accept('$aws/rules/mine/x')
    expect(invoked).toEqual([])
  })

  it('SQS gets JSON, or base64 where asked, or the bytes that were no JSON', async () => {
    const Actions = [
      { Sqs: { QueueUrl: 'plain', RoleArn } },
      { Sqs: { QueueUrl: 'encoded', RoleArn, UseBase64: true } },
    ]
    engine.put('mine', rule("SELECT * FROM 'a'", { Actions }))
    await accept('a', '{ "n" : 1 }')
    await accept('a', 'no json')
    const encoded = (text: string) => Buffer.from(text).toString('base64')
    expect(queued).toEqual([
      { queue: 'plain', body: '{"n":1}' },
      { queue: 'encoded', body: encoded('{"n":1}') },
      { queue: 'plain', body: 'no json' },
      { queue: 'encoded', body: encoded('no json') },
    ])
  })

  it('what fails goes to the error action, once, and the other actions run', async () => {
    engine.put(
      'mine',
      rule("SELECT * FROM 'a'", {
        Actions: [
          { Lambda: { FunctionArn: 'closed' } },
          { Lambda: { FunctionArn: 'broken' } },
          { Sqs: { QueueUrl: 'gone', RoleArn } },
          { Lambda: { FunctionArn: 'f' } },
        ],
        ErrorAction: { Sqs: { QueueUrl: 'errors', RoleArn } },
      }),
    )
    await accept('a', '{"n":1}', { clientId: 'me' })
    expect(invoked).toEqual([{ n: 1 }])
    expect(queued.length).toBe(1)
    const arn = 'arn:aws:iot:eu-west-1:000000000000:rule/mine'
    expect(JSON.parse(queued[0]?.body ?? '')).toEqual({
      ruleName: 'mine',
      topic: 'a',
      clientId: 'me',
      base64OriginalPayload: Buffer.from('{"n":1}').toString('base64'),
      failures: [
        {
          failedAction: 'LambdaAction',
          failedResource: 'closed',
          errorMessage: `closed has no permission for iot.amazonaws.com and ${arn}.`,
        },
        {
          failedAction: 'LambdaAction',
          failedResource: 'broken',
          errorMessage: 'There is no function broken.',
        },
        {
          failedAction: 'SqsAction',
          failedResource: 'gone',
          errorMessage: 'There is no such queue.',
        },
      ],
    })
  })

  it('bytes that are no JSON do not reach a function undressed', async () => {
    engine.put(
      'mine',
      rule("SELECT * FROM 'a'", { ErrorAction: { Sqs: { QueueUrl: 'errors', RoleArn } } }),
    )
    await accept('a', 'no json')
    expect(invoked).toEqual([])
    expect(queued[0]?.body).toMatch(/encode/)
  })

  it('an error action that fails, or a payload nested beyond reason, is only logged', async () => {
    engine.put(
      'mine',
      rule("SELECT * FROM 'a' WHERE x = x", {
        Actions: [{ Lambda: { FunctionArn: 'broken' } }],
        ErrorAction: { Lambda: { FunctionArn: 'broken' } },
      }),
    )
    await accept('a', '{"x":1}')
    const deep = `{"x":${'['.repeat(30_000)}${']'.repeat(30_000)},"y":{"x":1}}`
    await accept('a', deep)
    await accept('a', `${'{"x":'.repeat(20_000)}1${'}'.repeat(20_000)}`)
    expect(log.length).toBeGreaterThan(0)
  })

  it.each([
    ['a name with a dash', 'a-b', rule('SELECT *'), /name/],
    [
      'the old SQL version',
      'a',
      rule('SELECT *', { AwsIotSqlVersion: '2015-10-08' }),
      /2016-03-23/,
    ],
    ['no SQL version', 'a', { Sql: 'SELECT *', Actions: [] }, /2016-03-23/],
    ['no SQL', 'a', { AwsIotSqlVersion: '2016-03-23', Actions: [] }, /Sql/],
    ['SQL that is not run', 'a', rule('SELECT foo() AS x'), /foo\(\)/],
    ['an action that is not run', 'a', rule('SELECT *', { Actions: [{ Kinesis: {} }] }), /Kinesis/],
    ['an unknown property', 'a', rule('SELECT *', { Color: 1 }), /Color/],
    [
      'a property of an action',
      'a',
      rule('SELECT *', { Actions: [{ Lambda: { FunctionArn: 'f', Batch: 1 } }] }),
      /Batch/,
    ],
    [
      'an action without its resource',
      'a',
      rule('SELECT *', { Actions: [{ Sqs: { RoleArn } }] }),
      /QueueUrl/,
    ],
    [
      'two actions in one',
      'a',
      rule('SELECT *', { Actions: [{ Sqs: {}, Lambda: {} }] }),
      /one kind/,
    ],
    ['an error action that is not run', 'a', rule('SELECT *', { ErrorAction: { S3: {} } }), /S3/],
  ])('refuses a rule with %s when it is created', (_what, name, payload, message) => {
    expect(() => engine.put(name, payload)).toThrow(message)
    expect(() => engine.put(name, payload)).toThrow(/^The topic rule ".*" cannot be run: .*\.$/)
  })
})
