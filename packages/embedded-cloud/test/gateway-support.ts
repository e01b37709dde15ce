import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import * as http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { startGateway } from '../src/gateway/gateway.ts'
import type { Gateway, GatewayOptions } from '../src/gateway/options.ts'
import { type LocalTls, loadTls } from '../src/tls.ts'
import { beginEvent } from '../src/types.ts'

/** A certificate with its key; `chain` is what a client presents (the issuers after the leaf). */
export interface Credential {
  readonly cert: string
  readonly key: string
  readonly keys: webcrypto.CryptoKeyPair
  readonly subject: string
}

interface Wish {
  readonly subject: string
  readonly issuer?: Credential
  readonly ca?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly usage?: string
  readonly rsaBits?: number
}

const DAY_MS = 86_400_000

export async function issue(wish: Wish): Promise<Credential> {
  const keys = await makeKeys(wish.rsaBits)
  const signingAlgorithm = algorithmOf(wish.issuer?.keys ?? keys)
  const common = {
    serialNumber: '0a1b2c3d',
    notBefore: wish.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: wish.notAfter ?? new Date(Date.now() + DAY_MS),
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(wish.ca === true, undefined, true),
      ...(wish.ca === true
        ? [new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)]
        : [new ExtendedKeyUsageExtension([wish.usage ?? ExtendedKeyUsage.clientAuth])]),
    ],
  }
  const certificate =
    wish.issuer === undefined
      ? await X509CertificateGenerator.createSelfSigned({ ...common, name: wish.subject, keys })
      : await X509CertificateGenerator.create({
          ...common,
          subject: wish.subject,
          issuer: new X509Certificate(wish.issuer.cert).subject,
          publicKey: keys.publicKey,
          signingKey: wish.issuer.keys.privateKey,
        })
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  const key = `${PemConverter.encode(der, 'PRIVATE KEY')}\n`
  return { cert: `${certificate.toString('pem')}\n`, key, keys, subject: wish.subject }
}

function makeKeys(rsaBits: number | undefined): Promise<webcrypto.CryptoKeyPair> {
  const usages = ['sign', 'verify'] as const
  if (rsaBits === undefined) {
    return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages)
  }
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: rsaBits,
    publicExponent: new Uint8Array([1, 0, 1]),
  }
  return webcrypto.subtle.generateKey(algorithm, true, usages)
}

function algorithmOf(keys: webcrypto.CryptoKeyPair) {
  return { name: keys.privateKey.algorithm.name, hash: 'SHA-256' }
}

/** Everything a gateway test needs: the server's TLS files, a client CA and a certificate of it. */
export interface World {
  readonly dir: string
  readonly tls: LocalTls
  readonly ca: Credential
  readonly client: Credential
  readonly lines: string[]
  start(options?: Partial<GatewayOptions>): Promise<Gateway>
  end(): Promise<void>
}

export const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:echo'
const fallback = [{ method: 'ANY', path: '$default', functionArn: FUNCTION }]

export async function makeWorld(): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'))
  const tls = await loadTls(dir, [])
  const ca = await issue({ subject: 'CN=Client CA', ca: true })
  const client = await issue({
    subject: '0.9.2342.19200300.100.1.1=com.example.app, CN=provider',
    issuer: ca,
  })
  const started: Gateway[] = []
  const lines: string[] = []
  return {
    dir,
    tls,
    ca,
    client,
    lines,
    async start(options) {
      const gateway = await startGateway({ ...plainOptions(tls, lines), ...options })
      started.push(gateway)
      return gateway
    },
    async end() {
      await Promise.all(started.map((gateway) => gateway.close()))
      rmSync(dir, { recursive: true })
    },
  }
}

function plainOptions(tls: LocalTls, lines: string[]): GatewayOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    tls,
    identity: { accountId: '000000000000', region: 'us-east-1' },
    apiId: 'api1234567',
    stage: '$default',
    routes: fallback,
    functions: answering(() => ({ statusCode: 200 })),
    permits: () => true,
    log: (part, line) => lines.push(`${part}: ${line}`),
  }
}

/** Functions that all do the same. */
export function answering(handler: (event: never) => unknown): GatewayOptions['functions'] {
  return {
    invoke: async (_arn, event, options) => handler(beginEvent(event, options) as never),
    invokeAsync: () => {
      throw new Error('not used by a gateway')
    },
  }
}

interface Dial {
  readonly gateway: Gateway
  readonly world: World
  readonly alpn?: readonly string[]
  readonly client?: Pick<Credential, 'cert' | 'key'>
}

/** A TLS connection; `alpn` absent = the client names no protocol. */
export function dial({ gateway, world, alpn, client }: Dial): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      servername: 'localhost',
      port: gateway.port,
      ca: world.tls.ca,
      ...(alpn && { ALPNProtocols: [...alpn] }),
      ...(client && { cert: client.cert, key: client.key }),
    })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** An HTTP/2 session of Node's own client over `dial`. */
export async function openSession(options: Dial): Promise<http2.ClientHttp2Session> {
  const socket = await dial({ alpn: ['h2'], ...options })
  const session = http2.connect('https://localhost', { createConnection: () => socket })
  session.on('error', () => {})
  return session
}

export interface Reply {
  readonly status: number
  readonly headers: http2.IncomingHttpHeaders
  readonly body: string
}

export function send(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined })
    let received: http2.IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    stream.on('response', (fields) => {
      received = fields
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('close', () => {
      const status = Number(received[':status'] ?? 0)
      if (status === 0) reject(new Error(`closed without an answer, code ${stream.rstCode}`))
      resolve({ status, headers: received, body: Buffer.concat(chunks).toString() })
    })
    if (body !== undefined) stream.end(body)
  })
}

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const END_STREAM = 1
export const ACK = 1
const END_HEADERS = 4
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A client that writes and reads single HTTP/2 frames (RFC 9113 section 4). */
export class FrameClient {
  readonly frames: Frame[] = []
  closed = false
  readonly #socket: TLSSocket
  readonly #mute: boolean
  #rest: Buffer = Buffer.alloc(0)
  #changed: () => void = () => {}

  /** `mute`: leaves the server's PINGs unanswered. */
  constructor(socket: TLSSocket, { mute = false } = {}) {
    this.#socket = socket
    this.#mute = mute
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => {
      this.closed = true
      this.#changed()
    })
  }

  hello(): void {
    this.#socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))
  }

  write(...bytes: Buffer[]): void {
    this.#socket.write(Buffer.concat(bytes))
  }

  /** Waits until `done` holds of what has arrived, or the connection is closed. */
  async until(done: (frames: readonly Frame[]) => boolean): Promise<readonly Frame[]> {
    while (!done(this.frames) && !this.closed) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    return this.frames
  }

  /** All frames of a stream, once it has ended. */
  async stream(id: number): Promise<readonly Frame[]> {
    const of = (frames: readonly Frame[]) => frames.filter((f) => f.stream === id)
    await this.until((frames) => of(frames).some(endsStream))
    return of(this.frames)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < end) break
      this.#take({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5) & 0x7fffffff,
        payload: this.#rest.subarray(9, end),
      })
      this.#rest = this.#rest.subarray(end)
    }
    this.#changed()
  }

  #take(received: Frame): void {
    this.frames.push(received)
    const asks = received.type === PING && (received.flags & ACK) === 0
    if (asks && !this.#mute) this.write(frame(PING, ACK, 0, received.payload))
  }
}

function endsStream({ type, flags }: Frame): boolean {
  return type === RST_STREAM || ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0)
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK literals without indexing or Huffman coding (RFC 7541 section 6.2.2). */
export function headersFrame(
  stream: number,
  fields: readonly (readonly [string, string])[],
  flags = END_STREAM,
): Buffer {
  const block = fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)])
  return frame(HEADERS, flags | END_HEADERS, stream, Buffer.concat(block))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length), bytes])
}

/** RFC 7541 section 5.1 with a 7-bit prefix. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value)
  const bytes = [127]
  let rest = value - 127
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}

export const post = (path: string): [string, string][] => [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', path],
  [':authority', 'localhost'],
]

/** Waits for a condition that nothing announces. */
export async function eventually(holds: () => boolean, ms = 60_000): Promise<void> {
  const end = performance.now() + ms
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
