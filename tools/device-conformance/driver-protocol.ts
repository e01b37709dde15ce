/** What the suite and a driver say to each other, a line of JSON each: docs/device-conformance.md. */
export interface OpenCommand {
  readonly do: 'open'
  readonly directory: string
  readonly activation?: { readonly url: string; readonly code: string; readonly ca?: string }
  readonly timeLimitMs?: number
  readonly closeLimitMs?: number
  readonly keepaliveSeconds?: number
  readonly connectTimeoutMs?: number
  /** The SDK's clock is so far ahead of the system's. */
  readonly clockOffsetMs?: number
  /** Whether the program lets the device follow a service that moves; default true. */
  readonly mayMove?: boolean
}

/** `take`: the handler finishes after `delayMs`; `fail`: it fails then; `hold`: it works until `release`. */
export interface HandlerCommand {
  readonly do: 'handler'
  readonly mode: 'take' | 'fail' | 'hold'
  readonly delayMs?: number
}

export type Command =
  | OpenCommand
  | HandlerCommand
  | { readonly do: 'register' | 'unregister'; readonly topic: string }
  | { readonly do: 'join' | 'leave'; readonly channel: string }
  | { readonly do: 'channels' }
  | { readonly do: 'activate' | 'connect' | 'tokens' | 'release' | 'close' }

export interface DriverError {
  readonly reason: string
  readonly message: string
}

export type Answer =
  | { readonly id: number; readonly ok: Readonly<Record<string, unknown>> }
  | { readonly id: number; readonly error: DriverError }

/** A notification as the handler got it; what was absent is left out. */
export interface HandedOver {
  readonly id: string
  readonly topic: string
  readonly channel?: string
  readonly payloadText: string
  readonly acceptedAt: number
  readonly stored: boolean
  readonly expiration: number
  readonly priority: number
  readonly pushType: string
  readonly collapseId?: string
  readonly uniqueId?: string
  readonly seq?: string
}

export type DriverEvent =
  | {
      readonly event: 'ready'
      readonly name: string
      readonly version: string
      readonly language: string
      readonly lacks?: readonly string[]
    }
  | { readonly event: 'moved'; readonly host: string; readonly port: number }
  | { readonly event: 'connected'; readonly deviceId: string }
  | { readonly event: 'disconnected'; readonly cause: string; readonly retryInMs?: number }
  | { readonly event: 'token'; readonly topic: string; readonly token: string }
  | { readonly event: 'accepted'; readonly topics: readonly string[] }
  | {
      readonly event: 'rejected'
      readonly topic?: string
      readonly token: string
      readonly reason: string
    }
  | {
      readonly event: 'error'
      readonly reason: string
      readonly message: string
      readonly topic?: string
      readonly channel?: string
    }
  | { readonly event: 'notification'; readonly notification: HandedOver }
  | { readonly event: 'handled'; readonly id: string; readonly topic: string }
  | { readonly event: 'log'; readonly line: string }
