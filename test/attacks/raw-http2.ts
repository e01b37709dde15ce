import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'

/** Frame types and flags of RFC 9113 section 6. */
const type = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8 } as const
const END_STREAM = 0x1
const ACK = 0x1
const END_HEADERS = 0x4
const FRAME_HEAD = 9

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** SETTINGS_HEADER_TABLE_SIZE 0: the server then repeats nothing, so that no state is needed to read a status. */
const NO_TABLE = Buffer.from([0, 1, 0, 0, 0, 0])
const WIDE_WINDOW = Buffer.from([0x3f, 0xff, 0, 0])

/**
 * HTTP/2 by hand: one connection with many streams, for whoever wants to ask as much as possible for as little
 * as possible. It reads no more of an answer than its status.
 */
export class RawHttp2 {
  readonly #socket: TLSSocket
  readonly #answered: (status: number) => void
  #unread: Buffer = Buffer.alloc(0)
  #nextStream = 1
  #open = 0

  /** `answered` hears the status of each request that was answered, 0 where its stream was reset. */
  private constructor(socket: TLSSocket, answered: (status: number) => void) {
    this.#socket = socket
    this.#answered = answered
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.#read(chunk))
    socket.write(PREFACE)
    socket.write(frame(type.settings, 0, 0, NO_TABLE))
    socket.write(frame(type.windowUpdate, 0, 0, WIDE_WINDOW))
  }

  /** On a TLS connection that has agreed on h2. */
  static async open(socket: TLSSocket, answered: (status: number) => void): Promise<RawHttp2> {
    await once(socket, 'secureConnect')
    return new RawHttp2(socket, answered)
  }

  /** Requests that have no answer yet. */
  get open(): number {
    return this.#open
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  request(headers: Buffer, body: Buffer): void {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.#open += 1
    this.#socket.cork()
    this.#socket.write(frame(type.headers, END_HEADERS, stream, headers))
    this.#socket.write(frame(type.data, END_STREAM, stream, body))
    process.nextTick(() => this.#socket.uncork())
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    while (this.#unread.length >= FRAME_HEAD) {
      const end = FRAME_HEAD + this.#unread.readUIntBE(0, 3)
      if (this.#unread.length < end) return
      const [kind = 0, flags = 0] = this.#unread.subarray(3, 5)
      this.#take(kind, flags, this.#unread.subarray(FRAME_HEAD, end))
      this.#unread = this.#unread.subarray(end)
    }
  }

  #take(kind: number, flags: number, payload: Buffer): void {
    const isAck = (flags & ACK) !== 0
    if (kind === type.settings && !isAck) this.#socket.write(frame(type.settings, ACK, 0))
    if (kind === type.ping && !isAck) this.#socket.write(frame(type.ping, ACK, 0, payload))
    if (kind === type.headers) this.#settle(statusIn(payload))
    if (kind === type.reset && payload.readUInt32BE(0) !== 0) this.#settle(0)
  }

  #settle(status: number): void {
    this.#open -= 1
    this.#answered(status)
  }
}

function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = kind
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** RFC 7541 appendix A: `:status` is 8 to 14, of these values. */
const statuses = [200, 204, 206, 304, 400, 404, 500]
const STATUS = 8

/** The first field of a header block, behind a change of the table's size. */
function statusIn(block: Buffer): number {
  let at = 0
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1
  const first = block[at] ?? 0
  if ((first & 0x80) !== 0) return statuses[(first & 0x7f) - STATUS] ?? 0
  return Number(block.subarray(at + 2, at + 5).toString('latin1'))
}

/** Of these the static table has an entry for the name (RFC 7541 appendix A). */
const known: Readonly<Record<string, number>> = {
  ':authority': 1,
  ':method': 2,
  ':path': 4,
  ':scheme': 6,
  authorization: 23,
}

/** A header block of literals that are not indexed (RFC 7541 section 6.2.2). */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => {
      const index = known[name]
      const named = index === undefined ? [Buffer.from([0]), text(name)] : [integer(index, 4)]
      return [...named, text(value)]
    }),
  )
}

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length, 7), Buffer.from(value, 'latin1')])
}

/** An integer with a prefix of so many bits, the bits before it 0 (RFC 7541 section 5.1). */
function integer(value: number, bits: number): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([value])
  const bytes = [most]
  let rest = value - most
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}
