/** A value of the language; undefined is its Undefined, which no field keeps. A Buffer is raw bytes. */
export type Value = string | number | boolean | null | undefined | object

/** What a statement may ask about a message. */
export interface Facts {
  readonly payload: Buffer
  /** The payload as JSON; undefined when it is not JSON. */
  readonly document: Value
  /** Without the Basic Ingest prefix. */
  readonly topic: string
  readonly clientId: string | undefined
  readonly certificateId: string | undefined
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly traceId: string
  readonly accountId: string
}
