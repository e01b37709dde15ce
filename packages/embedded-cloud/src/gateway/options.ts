import type { CloudIdentity, Functions, Log, ServerTls } from '../types.ts'
import type { Refusal } from './refusals.ts'
import type { RequestHead } from './request.ts'

/** One route of an HTTP API and the function behind it (`AWS::ApiGatewayV2::Route` with its integration). */
export interface GatewayRoute {
  /** An HTTP method or `ANY`; of no meaning for the path `$default`. */
  readonly method: string
  /** `/a/b`, `/a/{name}`, `/a/{rest+}` or `$default`. */
  readonly path: string
  readonly functionArn: string
  /** The integration's `TimeoutInMillis`; 30,000, the most that AWS allows, when absent. */
  readonly timeoutMs?: number
}

/** Requests per second and the size of a burst, as a stage's `DefaultRouteSettings` set them. */
export interface ThrottleSettings {
  readonly rateLimit: number
  readonly burstLimit: number
}

/** What an HTTP API answers; `headers` in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
}

/** What a listener does about slow and greedy clients. All times in milliseconds. */
export interface GatewayLimits {
  /** TLS handshake, and after it the first bytes of a client that names no protocol. */
  readonly handshakeMs: number
  /** From the end of the headers to the end of the body; then 408. */
  readonly bodyMs: number
  /** For a client to take an answer; then the stream or connection is cut. */
  readonly answerMs: number
  /** A connection that has carried no request for this long is closed; API Gateway: 310 s. */
  readonly idleMs: number
  /** An HTTP/2 client that has been quiet for this long is sent a PING, and then less and less often. */
  readonly quietMs: number
  /** For the answer to such a PING; then the connection is cut. */
  readonly pongMs: number
  /** How long `close()` waits for work in flight. */
  readonly drainMs: number
  readonly maxConnections: number
  /** Requests in progress; more are refused with 503. */
  readonly maxInFlight: number
  /** Bytes of request bodies held at a time, over all connections; more are refused with 503. */
  readonly maxBufferedBytes: number
}

/** API Gateway's own figures where AWS names them, otherwise sized so that one process survives abuse. */
export const defaultLimits: GatewayLimits = {
  handshakeMs: 10_000,
  bodyMs: 4_000,
  answerMs: 30_000,
  idleMs: 310_000,
  quietMs: 5_000,
  pongMs: 5_000,
  drainMs: 5_000,
  maxConnections: 12_000,
  maxInFlight: 10_000,
  maxBufferedBytes: 256 * 1024 * 1024,
}

export interface GatewayOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly tls: ServerTls
  /**
   * PEM bundle of the CAs whose client certificates are accepted; present = mutual TLS required.
   */
  readonly truststore?: string
  readonly identity: CloudIdentity
  readonly apiId: string
  /** The custom domain that this listener serves; absent = the API's execute-api endpoint. */
  readonly domainName?: string
  readonly stage: string
  readonly routes: readonly GatewayRoute[]
  readonly functions: Functions
  /** The stage's throttle; absent = the account's, 10,000 a second with bursts of 5,000. */
  readonly throttle?: ThrottleSettings
  /** Of single routes, by their keys (`POST /path`), in place of the stage's. */
  readonly routeThrottles?: Readonly<Record<string, ThrottleSettings>>
  /** Whether a `Lambda::Permission` lets API Gateway invoke the function for this source ARN. */
  permits(functionArn: string, sourceArn: string): boolean
  readonly log: Log
  readonly limits?: Partial<GatewayLimits>
  /**
   * Writes the answers that the gateway itself makes (throttled, no route, failed function …), in the
   * manner of a REST API's gateway responses. HTTP APIs have none: absent = `{"message":"…"}`, as AWS.
   * `headers` are the request's, in lower case and joined.
   */
  shapeRefusal?(
    refusal: Refusal,
    headers: ReadonlyMap<string, string>,
    head: Pick<RequestHead, 'method' | 'target'>,
  ): Answer
}

export interface Gateway {
  /** `https://localhost:<port>` */
  readonly url: string
  readonly port: number
  /** New connections are checked against this bundle; those already open stay. */
  setTruststore(pem: string): void
  /** Stops listening, lets work in flight end, then closes what is left. */
  close(): Promise<void>
}
