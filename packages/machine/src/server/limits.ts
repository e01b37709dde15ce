/** What the servers for providers and for activation do about slow and greedy clients. Times in milliseconds. */
export interface ServerLimits {
  /** Of clients that are known: those that have had an answer that only one of ours gets. */
  readonly connections: number
  /** For strangers, if all others are taken; beyond this number, the oldest one is closed. */
  readonly newcomers: number
  /** TLS handshake, and after it the first bytes of a client that names no protocol. */
  readonly handshakeMs: number
  /** From the end of the headers to the end of the body; then 408. */
  readonly bodyMs: number
  /** From the end of the body to the answer; then 503. Clients give up after 5 s (node-apn). */
  readonly answerMs: number
  /** For a client to take an answer; then the stream is cut. */
  readonly takeMs: number
  /** A connection that has carried no request for this long is closed. */
  readonly idleMs: number
  /** An HTTP/2 client that has been quiet for this long is sent a PING, and then less and less often. */
  readonly quietMs: number
  /** For the answer to such a PING; then the connection is cut. */
  readonly pongMs: number
  /** Streams that a client may have open: above 100, as some send that many before they read it (apns-contract §9). */
  readonly streams: number
  /** Bytes of a request's method, path and headers; then 431. */
  readonly headBytes: number
  /** Bytes of one body; then 413. */
  readonly bodyBytes: number
  /** Bytes of one body that are read, though most are thrown away; then 413 at once. */
  readonly readBytes: number
  /** Bytes of bodies that are being read, over all connections; then 503. */
  readonly bufferedBytes: number
  /** Requests under way, over all connections, and half as many of strangers; then 503. Beyond twice as many a stream is reset. */
  readonly inFlight: number
}

export const serverLimits: ServerLimits = {
  connections: 2_000,
  newcomers: 500,
  handshakeMs: 10_000,
  bodyMs: 4_000,
  answerMs: 4_500,
  takeMs: 30_000,
  idleMs: 310_000,
  quietMs: 5_000,
  pongMs: 5_000,
  streams: 1_000,
  headBytes: 10_240,
  bodyBytes: 640 * 1024,
  readBytes: 10 * 1024 * 1024,
  bufferedBytes: 64 * 1024 * 1024,
  inFlight: 10_000,
}
