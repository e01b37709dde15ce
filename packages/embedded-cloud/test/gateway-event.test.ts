import { createHash, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readResult } from '../src/gateway/answers.ts'
import { describeCertificate } from '../src/gateway/client-certificate.ts'
import { buildEvent, type HttpApiEvent, parseTarget } from '../src/gateway/event.ts'
import type { GatewayRoute } from '../src/gateway/options.ts'
import type { RequestHead } from '../src/gateway/request.ts'
import { createRouter } from '../src/gateway/routes.ts'
import { createThrottle } from '../src/gateway/throttle.ts'
import { readTruststore } from '../src/gateway/truststore.ts'
import { answering, issue, makeWorld, openSession, send, type World } from './gateway-support.ts'

const api = {
  identity: { accountId: '000000000000', region: 'eu-west-1' },
  apiId: 'api1234567',
  domainName: 'push.example.test',
  stage: '$default',
}

const base: RequestHead = {
  method: 'POST',
  target: '/3/device/abc?x=1',
  headers: [['host', 'push.example.test']],
  peer: { sourceIp: '127.0.0.1', port: 2197 },
}

function eventOf(head: Partial<RequestHead>, body = '', stageApi: typeof api = api): HttpApiEvent {
  const whole = { ...base, ...head }
  const target = parseTarget(whole.target, stageApi)
  if (target === undefined || target === 'elsewhere') throw new Error(`no target: ${target}`)
  const match = createRouter([
    { method: 'POST', path: '/3/device/{token}', functionArn: 'f' },
    { method: 'ANY', path: '$default', functionArn: 'f' },
  ])(whole.method, target.routePath)
  if (match === undefined) throw new Error('no route')
  const now = new Date('2026-03-09T19:03:58.390Z')
  const request = { head: whole, target, match, body: Buffer.from(body, 'latin1') }
  return buildEvent(stageApi, { ...request, requestId: 'JKJaXmPLvHcESHA=', now })
}

describe('payload format 2.0', () => {
  it('has the documented form', () => {
    const event = eventOf(
      {
        headers: [
          ['host', 'push.example.test'],
          ['user-agent', 'curl/8'],
          ['content-type', 'application/json'],
          ['cookie', 'a=1; b=2'],
          ['cookie', 'c=3'],
        ],
      },
      '{}',
    )
    expect(event).toEqual({
      version: '2.0',
      routeKey: 'POST /3/device/{token}',
      rawPath: '/3/device/abc',
      rawQueryString: 'x=1',
      cookies: ['a=1', 'b=2', 'c=3'],
      headers: {
        host: 'push.example.test',
        'user-agent': 'curl/8',
        'content-type': 'application/json',
        'content-length': '2',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-69af199e-[0-9a-f]{24}$/),
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': '2197',
        'x-forwarded-proto': 'https',
      },
      queryStringParameters: { x: '1' },
      pathParameters: { token: 'abc' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'api1234567',
        domainName: 'push.example.test',
        domainPrefix: 'push',
        http: {
          method: 'POST',
          path: '/3/device/abc',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'curl/8',
        },
        requestId: 'JKJaXmPLvHcESHA=',
        routeKey: 'POST /3/device/{token}',
        stage: '$default',
        time: '09/Mar/2026:19:03:58 +0000',
        timeEpoch: 1773083038390,
      },
      body: '{}',
      isBase64Encoded: false,
    })
  })

  it('leaves out what there is none of', () => {
    const event = eventOf({ method: 'GET', target: '/' })
    expect(Object.keys(event).sort()).toEqual([
      'headers',
      'isBase64Encoded',
      'rawPath',
      'rawQueryString',
      'requestContext',
      'routeKey',
      'version',
    ])
    expect(event.requestContext.authentication).toBeUndefined()
    expect(event.headers['content-length']).toBe('0')
  })

  it('joins repeated headers and repeated query names by commas', () => {
    const event = eventOf({
      target: '/3/device/abc?a=1&b=x%20y&a=2&literal=a+b&coded=a%2Bb&empty=&bare&bad=%zz',
      headers: [
        ['apns-topic', 'a'],
        ['apns-topic', 'b'],
      ],
    })
    expect(event.headers['apns-topic']).toBe('a,b')
    expect(event.queryStringParameters).toEqual({
      a: '1,2',
      b: 'x y',
      literal: 'a b',
      coded: 'a+b',
      empty: '',
      bare: '',
      bad: '%zz',
    })
    expect(event.rawQueryString).toMatch(/^a=1&b=x%20y&/)
  })

  it('keeps names that are special to JavaScript as plain data', () => {
    const names = ['__proto__', 'constructor', 'tostring']
    const event = eventOf({
      target: '/?__proto__=x',
      headers: names.map((name) => [name, 'x'] as const),
    })
    expect(JSON.parse(JSON.stringify(event)).queryStringParameters).toEqual({ ['__proto__']: 'x' })
    for (const name of names) expect(Object.hasOwn(event.headers, name)).toBe(true)
  })

  it('does not pass on what belongs to one connection', () => {
    const names = ['connection', 'te', 'transfer-encoding', 'upgrade', 'keep-alive', 'expect']
    const event = eventOf({ headers: names.map((name) => [name, 'x'] as const) })
    for (const name of names) expect(event.headers).not.toHaveProperty(name)
  })

  it('appends to x-forwarded-for and believes no other forwarding header', () => {
    const { headers } = eventOf({
      headers: [
        ['x-forwarded-for', '1.2.3.4'],
        ['x-forwarded-proto', 'http'],
        ['content-length', '999'],
      ],
    })
    expect(headers).toMatchObject({
      'x-forwarded-for': '1.2.3.4, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'content-length': '0',
    })
  })

  it.each([
    ['text/plain', false],
    ['TEXT/HTML; charset=utf-8', false],
    ['application/json', false],
    ['application/json;charset=utf-8', false],
    ['application/xml', false],
    ['application/javascript', false],
    ['application/x-www-form-urlencoded', true],
    ['application/problem+json', true],
    ['application/jsonl', true],
    ['application/octet-stream', true],
    ['', true],
    [undefined, true],
  ])('a body of content type %s: base64 %s', (type, base64) => {
    const headers = type === undefined ? [] : [['content-type', type] as const]
    const event = eventOf({ headers }, 'h\xc3\xa9')
    expect(event.isBase64Encoded).toBe(base64)
    expect(event.body).toBe(base64 ? 'aMOp' : 'hé')
  })

  it('encodes a compressed body whatever its type', () => {
    const headers = [
      ['content-type', 'application/json'],
      ['content-encoding', 'gzip'],
    ] as const
    expect(eventOf({ headers }, '\x1f\x8b').isBase64Encoded).toBe(true)
  })
})

describe('paths', () => {
  // What API Gateway was seen to hand to a function, July 2026: hotsock/voker, vokerhttp/testdata.
  it.each([
    ['/capture/plain', '/capture/plain'],
    ['/capture/space%20value', '/capture/space value'],
    ['/capture/question%3Fvalue', '/capture/question'],
    ['/capture/percent%25done', undefined],
    ['/capture/hash%23value', '/capture/hash#value'],
    ['/capture/slash%2Fvalue', '/capture/slash/value'],
    ['/capture/unicode-%CE%BB', '/capture/unicode-λ'],
    ['/capture/literal%252Fvalue', '/capture/literal/value'],
    ['/capture/literal%253Fvalue', '/capture/literal?value'],
    ['/capture/literal%2525value', '/capture/literal%value'],
    ['/broken%E0%A4', undefined],
    ['*', undefined],
    ['', undefined],
    ['https://any.test/a?b', '/a'],
  ])('%s', (sent, seen) => {
    const target = parseTarget(sent, api)
    expect(target === 'elsewhere' ? target : target?.rawPath).toBe(seen)
  })

  it('a named stage begins the path of the API endpoint, not of a domain', () => {
    const stage = 'dev'
    const own = { stage }
    const inDomain = { stage, domainName: 'push.example.test' }
    expect(parseTarget('/dev/x', own)).toMatchObject({ rawPath: '/dev/x', routePath: '/x' })
    expect(parseTarget('/dev', own)).toMatchObject({ rawPath: '/dev', routePath: '/' })
    expect(parseTarget('/device', own)).toBe('elsewhere')
    expect(parseTarget('/x', inDomain)).toMatchObject({ rawPath: '/dev/x', routePath: '/x' })
  })
})

describe('routes', () => {
  const route = (key: string): GatewayRoute => {
    const [method = '', path = method] = key.split(' ')
    return { method, path, functionArn: key }
  }
  // The example of "Working with routes for HTTP APIs", and methods beyond it.
  const find = createRouter(
    ['ANY /{proxy+}', 'GET /pets/{proxy+}', 'GET /pets/dog/{id}', 'GET /pets/dog/1', '$default']
      .concat(['ANY /x', 'PUT /x', 'POST /a/{b}/c'])
      .map(route),
  )
  it.each([
    ['GET', '/pets/dog/1', 'GET /pets/dog/1', {}],
    ['GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' }],
    ['GET', '/pets/cat/1', 'GET /pets/{proxy+}', { proxy: 'cat/1' }],
    ['POST', '/test/5', 'ANY /{proxy+}', { proxy: 'test/5' }],
    ['POST', '/pets/dog/1', 'ANY /{proxy+}', { proxy: 'pets/dog/1' }],
    ['GET', '/', '$default', {}],
    ['PUT', '/x', 'PUT /x', {}],
    ['GET', '/x', 'ANY /x', {}],
    ['GET', '/x/', 'ANY /{proxy+}', { proxy: 'x/' }],
    ['POST', '/a//c', 'ANY /{proxy+}', { proxy: 'a//c' }],
    ['POST', '/a/b/c', 'POST /a/{b}/c', { b: 'b' }],
  ])('%s %s is %s', (method, path, key, pathParameters) => {
    expect(find(method, path)).toMatchObject({ routeKey: key, pathParameters })
  })

  it('finds nothing where there is nothing', () => {
    expect(createRouter([route('GET /a')])('POST', '/a')).toBeUndefined()
  })

  it('refuses a path that API Gateway would refuse', () => {
    expect(() => createRouter([route('GET a')])).toThrow(/must begin with/)
    expect(() => createRouter([route('GET /{a+}/b')])).toThrow(/only the last segment/)
  })
})

describe('results of functions', () => {
  it.each([
    [{ hello: 1 }, '{"hello":1}'],
    ['text', '"text"'],
    [null, 'null'],
    [undefined, 'null'],
    [[1], '[1]'],
  ])('%j without a statusCode is sent as JSON with 200', (result, body) => {
    const answer = readResult(result)
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect('body' in answer && answer.body.toString()).toBe(body)
  })

  it('reads status, headers, cookies and a base64 body', () => {
    const answer = readResult({
      statusCode: '201',
      headers: { 'Content-Type': 'a/b', 'X-Number': 1, Connection: 'close', 'Content-Length': '7' },
      cookies: ['a=1', 'b=2'],
      body: 'aGk=',
      isBase64Encoded: true,
    })
    expect(answer).toEqual({
      status: 201,
      headers: { 'content-type': 'a/b', 'x-number': '1', 'set-cookie': ['a=1', 'b=2'] },
      body: Buffer.from('hi'),
    })
  })

  it.each([
    [{ statusCode: 0 }, /statusCode/],
    [{ statusCode: 101 }, /statusCode/],
    [{ statusCode: 600 }, /statusCode/],
    [{ statusCode: 'ok' }, /statusCode/],
    [{ statusCode: null }, /statusCode/],
    [{ statusCode: 200, body: { a: 1 } }, /body is not a string/],
    [{ statusCode: 200, headers: 'x' }, /headers is not an object/],
    [{ statusCode: 200, headers: { a: ['x'] } }, /header a/],
    [{ statusCode: 200, headers: { a: 'x\r\nset-cookie: y' } }, /cannot be sent/],
    [{ statusCode: 200, headers: { 'a b': 'x' } }, /cannot be sent/],
    [{ statusCode: 200, headers: { ':status': '200' } }, /cannot be sent/],
    [{ statusCode: 200, cookies: 'a=1' }, /cookies/],
    [{ statusCode: 200, cookies: ['a\n'] }, /cookies/],
  ])('%j is invalid', (result, why) => {
    expect(readResult(result)).toEqual({ invalid: expect.stringMatching(why) })
  })

  it('whatever a function returns, the outcome is an answer or a reason', () => {
    const odd = fc.record(
      {
        statusCode: fc.anything(),
        headers: fc.anything(),
        body: fc.anything(),
        cookies: fc.anything(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          odd,
          fc.json().map((text) => JSON.parse(text)),
        ),
        (result) => {
          const answer = readResult(result)
          expect('invalid' in answer || Buffer.isBuffer(answer.body)).toBe(true)
        },
      ),
    )
  })
})

it('the throttle lets a burst through and then the rate', () => {
  const take = createThrottle({ rateLimit: 10, burstLimit: 3 })
  expect([take(0), take(0), take(0), take(0)]).toEqual([true, true, true, false])
  expect([take(99), take(100), take(100)]).toEqual([false, true, false])
  expect([take(10_000), take(10_000), take(10_000), take(10_000)]).toEqual([
    true,
    true,
    true,
    false,
  ])
})

describe('truststore', () => {
  it('leaves out bad certificates with a warning and refuses a bundle without a good one', async () => {
    const ca = await issue({ subject: 'CN=Good', ca: true })
    const old = await issue({ subject: 'CN=Old', ca: true, notAfter: new Date(Date.now() - 1000) })
    const leaf = await issue({ subject: 'CN=Leaf' })
    const torn = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    const bundle = `comment\n${ca.cert}${old.cert}${leaf.cert}${torn}`
    const { pem, warnings } = readTruststore(bundle, new Date())
    expect(pem).toBe(ca.cert)
    expect(warnings).toEqual([
      'Certificate 2 (CN=Old) has expired.',
      'Certificate 3 (CN=Leaf) is not a CA certificate.',
      'Certificate 4 cannot be read.',
    ])
    expect(() => readTruststore(leaf.cert, new Date())).toThrow(
      /no certificate that can be trusted/,
    )
    expect(() => readTruststore('', new Date())).toThrow(/holds no PEM/)
    expect(() => readTruststore('x'.repeat(1024 * 1024 + 1), new Date())).toThrow(/1 MB/)
    expect(() => readTruststore(torn.repeat(1001), new Date())).toThrow(/1,000/)
  })
})

describe('requestContext.authentication', () => {
  let world: World
  beforeAll(async () => {
    world = await makeWorld()
  })
  afterAll(() => world.end())

  it('describes the client certificate, the same for all requests of a connection', async () => {
    const events: HttpApiEvent[] = []
    const functions = answering((event: HttpApiEvent) => {
      events.push(event)
      return { statusCode: 200 }
    })
    const gateway = await world.start({ functions, truststore: world.ca.cert })
    const session = await openSession({ gateway, world, client: world.client })
    await send(session, { ':path': '/' })
    await send(session, { ':path': '/' })
    session.close()
    const [first, second] = events.map((event) => event.requestContext.authentication?.clientCert)
    expect(first).toEqual({
      clientCertPem: new X509Certificate(world.client.cert).toString(),
      subjectDN: 'UID=com.example.app,CN=provider',
      issuerDN: 'CN=Client CA',
      serialNumber: '0a:1b:2c:3d',
      validity: {
        notBefore: expect.stringMatching(/^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT$/),
        notAfter: expect.stringMatching(/ GMT$/),
      },
    })
    expect(second).toBe(first)
  })

  it('is absent without mutual TLS, even if a certificate is presented', async () => {
    const events: HttpApiEvent[] = []
    const functions = answering((event: HttpApiEvent) => {
      events.push(event)
      return { statusCode: 200 }
    })
    const gateway = await world.start({ functions })
    const session = await openSession({ gateway, world, client: world.client })
    await send(session, { ':path': '/' })
    session.close()
    expect(events[0]?.requestContext).not.toHaveProperty('authentication')
  })

  it('has a PEM that parses to the same certificate', () => {
    const certificate = new X509Certificate(world.client.cert)
    const { clientCertPem } = describeCertificate(certificate)
    const digest = createHash('sha256').update(certificate.raw).digest('hex')
    expect(
      new X509Certificate(clientCertPem).fingerprint256.replaceAll(':', '').toLowerCase(),
    ).toBe(digest)
  })
})
