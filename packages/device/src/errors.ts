/**
 * What can go wrong on the device's side. A refusal of the service carries the service's own reason
 * (for example `UnknownTopic`) instead of one of these.
 */
export type DeviceFault =
  | 'ActivationRefused'
  | 'ActivationUnreachable'
  | 'BadChannelId'
  | 'BadMessage'
  | 'CertificateExpired'
  | 'ChannelRefused'
  | 'Closed'
  | 'HandlerFailed'
  | 'ListenerFailed'
  | 'MoveRefused'
  | 'NotActivated'
  | 'NotConnected'
  | 'StateDamaged'
  | 'StateUnusable'
  | 'Timeout'
  | 'TooManyChannels'

/** What an error is about. The id of a channel is as good as a key to it: it has no place in a message. */
interface About {
  readonly topic?: string | undefined
  readonly channel?: string | undefined
  readonly cause?: unknown
  readonly status?: number
}

/** Every error this SDK throws, rejects with or emits. `message` is one sentence for a person. */
export class HeliographDeviceError extends Error {
  /** A `DeviceFault`, or the service's reason word for word. */
  readonly reason: string
  /** The topic, if the error is about one. */
  readonly topic: string | undefined
  /** The channel, if the error is about one. */
  readonly channel: string | undefined
  /** The HTTP status with which an activation was refused: after 429 or 5xx the code is still valid. */
  readonly status: number | undefined

  constructor(reason: string, message: string, about: About = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.name = 'HeliographDeviceError'
    this.reason = reason
    this.topic = about.topic
    this.channel = about.channel
    this.status = about.status
  }
}

/** An error with one of the SDK's own reasons. */
export function fault(
  reason: DeviceFault,
  message: string,
  about: About = {},
): HeliographDeviceError {
  return new HeliographDeviceError(reason, message, about)
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** What was thrown, as an error of this SDK; any other error can only have come from the state files. */
export function asFault(thrown: unknown): HeliographDeviceError {
  if (thrown instanceof HeliographDeviceError) return thrown
  return fault('StateUnusable', messageOf(thrown), { cause: thrown })
}
