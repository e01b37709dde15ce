import * as http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Answer } from '@heliograph/core/send/answer'
import { type Drainable, serveSession } from '@heliograph/listener/http2-session'
import type { Deadlines } from './deadlines.ts'
import {
  answerRequest,
  begin,
  type Client,
  type Exchanges,
  type Head,
  isTooMuch,
  note,
  PIECE_BYTES,
  readHead,
  refuseHead,
} from './exchange.ts'
import type { Turns } from './turns.ts'

const METHOD = ':method'
const PATH = ':path'
const END_STREAM = http2.constants.NGHTTP2_FLAG_END_STREAM

const noBody = Buffer.alloc(0)

/** Everything that a stream needs in addition to itself. */
export interface Http2Context {
  readonly exchanges: Exchanges
  readonly deadlines: Deadlines
  readonly turns: Turns
}

/** Serves a client that speaks HTTP/2. */
export function serveHttp2(socket: TLSSocket, client: Client, context: Http2Context): Drainable {
  const { exchanges } = context
  return serveSession(socket, exchanges.limits, (stream, headers, flags, raw) => {
    const leave = begin(client, exchanges)
    // an answer waits for a client that does not take it, too
    if (exchanges.open > 2 * exchanges.limits.inFlight) {
      stream.on('close', leave)
      stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
      return
    }
    const head = readHead(String(headers[METHOD] ?? ''), String(headers[PATH] ?? ''), raw)
    const one = new Stream(stream, head, client, context)
    stream.on('close', () => {
      leave()
      one.gone()
    })
    one.begin((flags & END_STREAM) !== 0)
  })
}

/**
 * One request, from its head to its answer. Each event has one listener, which stays until the
 * stream is gone: Node announces every listener that comes and goes.
 */
class Stream {
  readonly #stream: http2.ServerHttp2Stream
  readonly #head: Head
  readonly #client: Client
  readonly #context: Http2Context
  readonly #since = performance.now()
  #chunks: Buffer[] = []
  #held = 0
  #bytes = 0
  #isAnswered = false

  constructor(stream: http2.ServerHttp2Stream, head: Head, client: Client, context: Http2Context) {
    this.#stream = stream
    this.#head = head
    this.#client = client
    this.#context = context
  }

  begin(isWhole: boolean): void {
    const { exchanges, deadlines } = this.#context
    const status = refuseHead(this.#head, this.#client, exchanges)
    if (status !== undefined) {
      this.#refuse(status)
      return
    }
    if (isWhole) {
      this.#line()
      return
    }
    deadlines.body.add(this)
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#stream.on('end', () => {
      deadlines.body.delete(this)
      this.#line()
    })
  }

  /** Its time is over: the body did not end, or the rules did not answer. */
  late(status: number): void {
    this.#refuse(status)
  }

  /**
   * An oversized body is read for a while and discarded, because some clients do not read while
   * they send.
   */
  #take(chunk: Buffer): void {
    if (this.#isAnswered) return
    const { exchanges } = this.#context
    const { bodyBytes, readBytes } = exchanges.limits
    this.#bytes += chunk.length
    if (this.#bytes > readBytes) this.#refuse(413)
    else if (this.#bytes > bodyBytes) this.#letGo()
    else if (isTooMuch(exchanges)) {
      this.#letGo()
      this.#refuse(503)
    } else {
      this.#held += chunk.length + PIECE_BYTES
      exchanges.held += chunk.length + PIECE_BYTES
      this.#chunks.push(chunk)
    }
  }

  /** In a later turn, a stream that was reset immediately is known to be: rapid reset costs no work. */
  #line(): void {
    const { deadlines, turns } = this.#context
    deadlines.answer.add(this)
    turns.add(() => this.#work())
  }

  #work(): void {
    const { exchanges, deadlines } = this.#context
    if (this.#isAnswered || this.#stream.destroyed) {
      deadlines.answer.delete(this)
      return
    }
    if (this.#bytes > exchanges.limits.bodyBytes) {
      deadlines.answer.delete(this)
      this.#refuse(413)
      return
    }
    const [only = noBody] = this.#chunks
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : only
    void answerRequest(this.#head, body, this.#client, exchanges).then((answer) => {
      deadlines.answer.delete(this)
      this.#respond(answer)
    })
  }

  /** The stream has closed. */
  gone(): void {
    const { deadlines } = this.#context
    deadlines.body.delete(this)
    deadlines.taking.delete(this)
    this.#letGo()
  }

  #letGo(): void {
    this.#context.exchanges.held -= this.#held
    this.#held = 0
    this.#chunks = []
  }

  #refuse(status: number): void {
    this.#respond(this.#context.exchanges.edge(status, this.#head))
  }

  /** One HEADERS frame, and the body, if any, in one write: an empty last DATA frame upsets some clients. */
  #respond(answer: Answer): void {
    const stream = this.#stream
    if (this.#isAnswered || stream.destroyed || stream.closed) return
    this.#isAnswered = true
    note(this.#head, answer, this.#since, this.#context.exchanges)
    const body = answer.bytes ?? answer.body
    const isBare = body === undefined || this.#head.method === 'HEAD'
    try {
      stream.respond({ ':status': answer.status, ...answer.headers }, { endStream: isBare })
      if (!isBare) stream.end(body)
      if (!stream.readableEnded) this.#endUpload()
      if (!isBare) this.#context.deadlines.taking.add(this)
    } catch {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    }
  }

  /** The client does not take its answer. */
  cut(): void {
    this.#stream.close(http2.constants.NGHTTP2_CANCEL)
  }

  /** After a complete answer the rest of the request is not wanted (RFC 9113 §8.1). */
  #endUpload(): void {
    const stream = this.#stream
    // if the client does not read, nothing is sent
    stream.pause()
    const close = () => stream.close(http2.constants.NGHTTP2_NO_ERROR)
    if (stream.writableFinished) close()
    else stream.once('finish', close)
  }
}
