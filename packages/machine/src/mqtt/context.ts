import type { TLSSocket } from 'node:tls'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import type { Log } from '../log.ts'
import type { Listening, ServerTls } from '../server/tls.ts'
import type { DeviceLimits } from './limits.ts'
import type { PartialBytes } from './packet-reader.ts'
import type { Sessions } from './sessions.ts'

/** The CA's signature is not enough: the certificate must be on the device's record, too. */
export interface Admissions {
  /** Whether this certificate (its id: SHA-256 of its DER, hex) lets the device in now. */
  mayConnect(deviceId: DeviceId, certificateId: string): boolean
}

export type Worked = 'done' | 'left'

/** What a device published, as it came. */
export interface Upload {
  readonly upstream: Upstream
  readonly deviceId: DeviceId
  readonly certificateId: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly message: Buffer
}

export interface DeviceServerOptions {
  readonly listen: Listening
  readonly tls: ServerTls
  /** PEM of the CAs that issue device certificates. */
  readonly authorities: () => string
  /** The stage, which is part of the names of device topics. */
  readonly stage: string
  readonly admissions: Admissions
  readonly sessions: Sessions
  readonly limits: DeviceLimits
  readonly now: () => number
  /**
   * Resolves when the request has been handled; a fault ends the connection, so that the device repeats it. `left`: it
   * was not, and the device is to keep it.
   */
  readonly work: (upload: Upload) => Promise<Worked>
  readonly log: Log
}

/** A device whose certificate still counts. */
export interface Admitted {
  readonly deviceId: DeviceId
  readonly certificateId: string
}

/** What the connections of one server share. */
export interface DeviceServerContext extends DeviceServerOptions {
  readonly room: PartialBytes
  /** The device of a connection, or why its certificate lets nobody in. */
  admit(socket: TLSSocket): Admitted | { readonly refused: string }
  /** The kind of request that a topic is for, if the topic is the device's own. */
  upstreamOf(topic: string, deviceId: DeviceId): Upstream | undefined
  refused(why: string): void
  /** Its device has been admitted. */
  welcome(socket: TLSSocket): void
}
