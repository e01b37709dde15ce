import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpApiEvent } from '../src/gateway/event.ts'
import type { Gateway } from '../src/gateway/options.ts'
import {
  answering,
  type Credential,
  issue,
  makeWorld,
  openSession,
  send,
  type World,
} from './gateway-support.ts'

let world: World
let gateway: Gateway
let invoked = 0
const DAY_MS = 86_400_000
/** RFC 5280 section 4.2.1.12, id-kp-serverAuth. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const ago = new Date(Date.now() - DAY_MS)
const ahead = new Date(Date.now() + DAY_MS)

beforeAll(async () => {
  world = await makeWorld()
  const functions = answering((event: HttpApiEvent) => {
    invoked += 1
    const { clientCert } = event.requestContext.authentication ?? {}
    return { statusCode: 200, body: clientCert?.subjectDN ?? 'nobody' }
  })
  gateway = await world.start({ functions, truststore: world.ca.cert })
})
afterAll(() => world.end())

/** What a client of any kind gets: the subject its certificate is known by, or the refusal. */
async function converse(
  client: Pick<Credential, 'cert' | 'key'> | undefined,
  alpn: readonly string[] | undefined = ['h2'],
  at = gateway,
): Promise<string> {
  const session = await openSession({
    gateway: at,
    world,
    ...(client && { client }),
    ...(alpn && { alpn }),
  })
  try {
    return (await send(session, { ':path': '/' })).body
  } finally {
    session.destroy()
  }
}

describe('an acceptable certificate', () => {
  it('is let in, with and without ALPN', async () => {
    expect(await converse(world.client)).toBe('UID=com.example.app,CN=provider')
    expect(await converse(world.client, [])).toBe('UID=com.example.app,CN=provider')
  })

  it('may come from an intermediate CA that the client presents or the truststore holds', async () => {
    const issuer = await issue({ subject: 'CN=Intermediate', ca: true, issuer: world.ca })
    const leaf = await issue({ subject: 'CN=below', issuer })
    const presented = { cert: leaf.cert + issuer.cert, key: leaf.key }
    expect(await converse(presented)).toBe('CN=below')
    const both = await world.start({
      functions: answering(() => ({ statusCode: 200, body: 'in' })),
      truststore: world.ca.cert + issuer.cert,
    })
    expect(await converse(leaf, ['h2'], both)).toBe('in')
    await expect(converse(leaf)).rejects.toThrow()
  })

  it('may be RSA-2048', async () => {
    const client = await issue({ subject: 'CN=rsa', issuer: world.ca, rsaBits: 2048 })
    expect(await converse(client)).toBe('CN=rsa')
  })
})

describe('no conversation', () => {
  const cases: [string, () => Promise<Credential | undefined>][] = [
    ['without a certificate', async () => undefined],
    ['self-signed', () => issue({ subject: 'CN=self' })],
    ['a CA of the same name', async () => issueUnderTwin()],
    ['expired', () => issue({ subject: 'CN=a', issuer: world.ca, notAfter: ago })],
    ['not yet valid', () => issue({ subject: 'CN=a', issuer: world.ca, notBefore: ahead })],
    ['for servers only', () => issue({ subject: 'CN=a', issuer: world.ca, usage: SERVER_AUTH })],
    ['RSA-1024', () => issue({ subject: 'CN=a', issuer: world.ca, rsaBits: 1024 })],
    ['issued by a client certificate', () => issue({ subject: 'CN=a', issuer: world.client })],
  ]
  async function issueUnderTwin(): Promise<Credential> {
    const twin = await issue({ subject: world.ca.subject, ca: true })
    return issue({ subject: 'CN=a', issuer: twin })
  }

  it.each(cases)('%s', async (_name, make) => {
    const client = await make()
    const before = invoked
    for (const alpn of [['h2'], ['http/1.1'], []]) {
      await expect(converse(client, alpn)).rejects.toThrow()
    }
    expect(invoked).toBe(before)
  })

  it('tells a client without a certificate what is missing', async () => {
    const socket = connect({
      host: '127.0.0.1',
      servername: 'localhost',
      port: gateway.port,
      ca: world.tls.ca,
    })
    socket.resume()
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
    expect(error.message).toMatch(/certificate required/)
  })

  it('says in the log that handshakes were refused, at most once a second', () => {
    const lines = world.lines.filter((line) => line.includes('handshake refused'))
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.length).toBeLessThan(10)
  })
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  it('is spoken, but no session is resumed', async () => {
    const first = await handshake(version)
    const again = await handshake(version, first.session)
    expect([first.protocol, again.protocol]).toEqual([version, version])
    expect(again.reused).toBe(false)
  })

  /** A handshake and a request, so that a ticket would have come. */
  async function handshake(only: 'TLSv1.2' | 'TLSv1.3', earlier?: Buffer) {
    let ticket: Buffer | undefined
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      const opened = connect(
        {
          ...{ host: '127.0.0.1', servername: 'localhost', port: gateway.port, ca: world.tls.ca },
          ...{ cert: world.client.cert, key: world.client.key, ALPNProtocols: ['http/1.1'] },
          ...{ minVersion: only, maxVersion: only, ...(earlier && { session: earlier }) },
        },
        () => resolve(opened),
      )
      opened.on('error', reject)
      opened.on('session', (given: Buffer) => {
        ticket = given
      })
    })
    const answered = new Promise((resolve) => socket.once('data', resolve))
    socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n')
    await answered
    const seen = { protocol: socket.getProtocol(), reused: socket.isSessionReused() }
    const session = ticket ?? socket.getSession()
    socket.destroy()
    return { ...seen, session }
  }
})

it('does not speak TLS 1.1', async () => {
  const secureContext = createSecureContext({
    ca: world.tls.ca,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  const socket = connect({
    host: '127.0.0.1',
    servername: 'localhost',
    port: gateway.port,
    secureContext,
  })
  await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow(/version/)
})

it('a new truststore counts for new connections', async () => {
  const other = await issue({ subject: 'CN=Other CA', ca: true })
  const client = await issue({ subject: 'CN=new', issuer: other })
  const changing = await world.start({
    functions: answering(() => ({ statusCode: 200, body: 'in' })),
    truststore: world.ca.cert,
  })
  await expect(converse(client, ['h2'], changing)).rejects.toThrow()
  changing.setTruststore(other.cert)
  expect(await converse(client, ['h2'], changing)).toBe('in')
  await expect(converse(world.client, ['h2'], changing)).rejects.toThrow()
  expect(() => changing.setTruststore('nothing')).toThrow(/holds no PEM/)
  expect(await converse(client, ['h2'], changing)).toBe('in')
})

it('a truststore without a CA does not start', async () => {
  await expect(world.start({ truststore: world.client.cert })).rejects.toThrow(
    /not a CA certificate/,
  )
  const open = await world.start()
  expect(() => open.setTruststore(world.ca.cert)).toThrow(/without mutual TLS/)
})
