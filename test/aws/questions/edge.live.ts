import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { beforeAll, describe } from 'vitest'
import {
  END_STREAM,
  type Frame,
  FrameClient,
  frameType,
} from '../../../tools/conformance/frames.ts'
import { type ReadyTarget, readyTarget } from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { requestByToken } from '../../e2e/token-provider.ts'
import { ask } from '../ask.ts'

let target: Target
let ready: ReadyTarget['ready']

beforeAll(async () => {
  const opened = await readyTarget()
  target = opened.target
  ready = opened.ready
  return opened.close
})

function credentials() {
  const { ca, cert, key } = target.local.provider
  return {
    ca: readFileSync(ca, 'utf8'),
    pair: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') },
  }
}

function openFrames(alpn?: readonly string[]): Promise<FrameClient> {
  const { ca, pair } = credentials()
  return FrameClient.open({ url: target.local.provider.url, ca, pair, ...(alpn && { alpn }) })
}

function dial(options: object): Promise<TLSSocket> {
  const { hostname, port } = new URL(target.local.provider.url)
  const host = { host: hostname, servername: hostname, port: Number(port || 443) }
  return new Promise((resolve, reject) => {
    const socket = connect({ ...host, ca: credentials().ca, ...options }, () => resolve(socket))
    socket.once('error', reject)
  })
}

describe('the provider edge', () => {
  ask(
    'Does the mTLS domain offer HTTP/2 by ALPN, and under which TLS?',
    {
      expected: 'h2, TLS 1.2 or 1.3 (no AWS page says it of mTLS domains)',
      matches: /^h2, TLSv1\.[23]/,
    },
    async () => {
      const socket = await dial({ ...credentials().pair, ALPNProtocols: ['h2', 'http/1.1'] })
      const answer = `${socket.alpnProtocol || 'nothing'}, ${socket.getProtocol()}, ${socket.getCipher().standardName}`
      socket.destroy()
      return answer
    },
  )

  ask(
    'What happens to a client that speaks HTTP/2 without ALPN (pushy, aioapns)?',
    { expected: 'HTTP/2 or HTTP/1.1; the embedded edge speaks HTTP/2', matches: /^HTTP\/2/ },
    async () => {
      const client = await openFrames()
      await client.until(() => client.frames.length > 0).catch(() => {})
      const [first] = client.frames
      client.close()
      if (first?.type === frameType.settings) return 'HTTP/2: it answers with SETTINGS'
      return first ? `not HTTP/2: frame type ${first.type}` : 'no HTTP/2: the connection was closed'
    },
  )

  ask(
    'What frames is an accepted notification answered with?',
    { expected: 'HEADERS with END_STREAM', matches: /^HEADERS\+END_STREAM$/ },
    () => framesOf(ready.token, '{"aps":{"alert":"framing"}}'),
  )

  ask(
    'What frames is a refused notification answered with?',
    {
      expected: 'HEADERS, then one DATA with END_STREAM',
      matches: /^HEADERS, DATA\(\d+\)\+END_STREAM$/,
    },
    () => framesOf('0'.repeat(64), '{"aps":{}}'),
  )

  async function framesOf(token: string, body: string): Promise<string> {
    const client = await openFrames(['h2'])
    const { hostname } = new URL(target.local.provider.url)
    const stream = client.request(
      [
        [':method', 'POST'],
        [':scheme', 'https'],
        [':path', `/3/device/${token}`],
        [':authority', hostname],
        ['apns-topic', target.local.provider.topic],
        ['content-length', String(Buffer.byteLength(body))],
      ],
      Buffer.from(body),
    )
    const frames = await client.answer(stream)
    client.close()
    return frames.map(nameOf).join(', ')
  }

  function nameOf({ type, flags, payload }: Frame): string {
    const names = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM']
    const size = type === frameType.data ? `(${payload.length})` : ''
    const end = (flags & END_STREAM) !== 0 ? '+END_STREAM' : ''
    return `${names[type] ?? type}${size}${end}`
  }

  ask(
    'What does a client without a certificate meet?',
    { expected: 'a refused handshake, or 403', matches: /refused|403|closed/ },
    async () => {
      try {
        const socket = await dial({ ALPNProtocols: ['http/1.1'] })
        return await plainAnswer(socket)
      } catch (fault) {
        return `refused: ${(fault as NodeJS.ErrnoException).code ?? fault}`
      }
    },
  )

  /** With TLS 1.3 the refusal comes after the client believes the handshake done. */
  function plainAnswer(socket: TLSSocket): Promise<string> {
    const { hostname } = new URL(target.local.provider.url)
    return new Promise((resolve) => {
      socket.once('data', (bytes) => resolve(`an answer: ${bytes.toString().split('\r\n')[0]}`))
      socket.once('error', (fault: NodeJS.ErrnoException) => resolve(`refused: ${fault.code}`))
      socket.once('close', () => resolve('closed without an answer'))
      socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
    })
  }

  ask(
    'What does the token domain answer to a good provider token, and to none?',
    {
      expected: '200, 403 MissingProviderToken; or no token domain',
      matches: /^(200, 403 MissingProviderToken|the stage has no token domain)$/,
    },
    async () => {
      if (!target.local.providerToken) return 'the stage has no token domain'
      const good = await requestByToken(target, { token: ready.token })
      const none = await requestByToken(target, { token: ready.token }, '')
      return `${[good.status, good.reason].join(' ').trim()}, ${none.status} ${none.reason}`
    },
  )

  ask(
    'When, and how, does the edge end an idle connection?',
    {
      expected: 'after 310 s (API Gateway quotas), with GOAWAY',
      matches: /after 3[01]\d s/,
      minutes: 6,
    },
    async () => {
      const client = await openFrames(['h2'])
      const began = Date.now()
      const ended = () =>
        client.closed || client.frames.some(({ type }) => type === frameType.goaway)
      while (!ended()) await new Promise((resolve) => setTimeout(resolve, 100))
      const how =
        client.closed && !client.frames.some(({ type }) => type === frameType.goaway)
          ? 'without GOAWAY'
          : 'with GOAWAY'
      client.close()
      return `after ${((Date.now() - began) / 1000).toFixed(0)} s, ${how}`
    },
  )
})
