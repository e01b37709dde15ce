import type { Readable } from 'node:stream'
import type { ClientCertificate } from './client-certificate.ts'

/** What is the same for all requests of a connection. */
export interface Peer {
  readonly sourceIp: string
  /** The port the client came in by. */
  readonly port: number
  /** Absent without mutual TLS. */
  readonly clientCertificate?: ClientCertificate
}

/** A request as HTTP/1.1 and HTTP/2 both deliver it, before its body. */
export interface RequestHead {
  readonly method: string
  /** Path and query as sent: `/a/b?c=d`. */
  readonly target: string
  /** In the order sent, names in lower case, without pseudo-headers; one character per byte. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly peer: Peer
}

/** A request whose body is still to come. */
export interface Exchange {
  readonly head: RequestHead
  /** Absent when the request has no body. */
  readonly body: Readable | undefined
  /** Whether the client left, or cut its request short: nobody waits for an answer. */
  abandoned(): boolean
}

/** The same name more than once becomes one value, joined by commas as payload format 2.0 has it. */
export function joinHeaders(head: Pick<RequestHead, 'headers'>): Map<string, string> {
  const joined = new Map<string, string>()
  for (const [name, value] of head.headers) {
    const before = joined.get(name)
    joined.set(name, before === undefined ? value : `${before},${value}`)
  }
  return joined
}

/** Node's flat list of names and values as pairs. */
export function pairHeaders(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    pairs.push([(raw[i] ?? '').toLowerCase(), raw[i + 1] ?? ''])
  }
  return pairs
}
