import { connect, type TLSSocket } from 'node:tls'
import type { KeyPair } from './credentials.ts'

/** RFC 9113 section 6. */
export const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const
export const END_STREAM = 1
const ACK = 1
const END_HEADERS = 4

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export interface FrameClientOptions {
  readonly url: string
  readonly ca: string | undefined
  readonly pair: KeyPair | undefined
  /** Absent: no ALPN at all, HTTP/2 by prior knowledge. */
  readonly alpn?: readonly string[]
}

/**
 * An HTTP/2 client that shows the frames themselves, which Node's hides: an empty DATA frame, for one.
 * Header blocks are literals, and of those received only flags are looked at.
 */
export class FrameClient {
  readonly frames: Frame[] = []
  readonly #socket: TLSSocket
  #pending = Buffer.alloc(0)
  #stream = -1
  readonly #waiting = new Set<() => void>()
  closed = false

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  static open({ url, ca, pair, alpn }: FrameClientOptions): Promise<FrameClient> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: hostname,
        port: Number(port || 443),
        servername: hostname,
        ...(ca && { ca }),
        ...pair,
        ...(alpn && { ALPNProtocols: [...alpn] }),
      })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        const client = new FrameClient(socket)
        client.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))
        client.frame({ type: frameType.settings })
        resolve(client)
      })
    })
  }

  get alpnProtocol(): string | false | null {
    return this.#socket.alpnProtocol
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  frame(frame: Partial<Frame> & { readonly type: number }): void {
    const { type, flags = 0, stream = 0, payload = Buffer.alloc(0) } = frame
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head.writeUInt8(type, 3)
    head.writeUInt8(flags, 4)
    head.writeUInt32BE(stream, 5)
    this.write(Buffer.concat([head, payload]))
  }

  /** Opens a stream with these fields in this order; the body, if any, in one DATA frame. */
  request(fields: readonly (readonly [string, string])[], body?: Uint8Array): number {
    this.#stream += 2
    const block = Buffer.concat(fields.map(([name, value]) => literal(name, value)))
    const flags = END_HEADERS | (body ? 0 : END_STREAM)
    this.frame({ type: frameType.headers, flags, stream: this.#stream, payload: block })
    if (body)
      this.frame({
        type: frameType.data,
        flags: END_STREAM,
        stream: this.#stream,
        payload: Buffer.from(body),
      })
    return this.#stream
  }

  /** The frames of a stream, once it has ended. */
  async answer(stream: number): Promise<Frame[]> {
    const ends = ({ type, flags }: Frame) =>
      type === frameType.reset ||
      ((type === frameType.headers || type === frameType.data) && (flags & END_STREAM) !== 0)
    const own = () => this.frames.filter((frame) => frame.stream === stream)
    await this.until(() => own().some(ends))
    return own()
  }

  /** Waits until the condition holds; fails when the connection ends or after ten seconds. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 10_000
    while (!condition()) {
      if (this.closed) throw new Error('the connection was closed')
      if (Date.now() > deadline) throw new Error('nothing came within 10 s')
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
        setTimeout(resolve, 50)
      })
    }
  }

  /** Says that nothing more will come; what comes back is still read. */
  endWriting(): void {
    this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (;;) {
      const length = this.#pending.length >= 9 ? this.#pending.readUIntBE(0, 3) : undefined
      if (length === undefined || this.#pending.length < 9 + length) break
      this.#accept({
        type: this.#pending.readUInt8(3),
        flags: this.#pending.readUInt8(4),
        stream: this.#pending.readUInt32BE(5) & 0x7fffffff,
        payload: Buffer.from(this.#pending.subarray(9, 9 + length)),
      })
      this.#pending = this.#pending.subarray(9 + length)
    }
    this.#wake()
  }

  #accept(frame: Frame): void {
    this.frames.push(frame)
    if (frame.type === frameType.settings && (frame.flags & ACK) === 0)
      this.frame({ type: frameType.settings, flags: ACK })
    if (frame.type === frameType.ping && (frame.flags & ACK) === 0)
      this.frame({ type: frameType.ping, flags: ACK, payload: frame.payload })
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

/** RFC 7541 section 6.2.2: a literal field without indexing, new name, no Huffman code. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

/** RFC 7541 section 5.2 with the integers of section 5.1 (prefix of 7 bits). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}
