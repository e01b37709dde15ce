import { MAX_FILTERS, MAX_JOINED_CHANNELS, MAX_REQUEST_BYTES } from '@heliograph/protocol/limits'

/** What one device's connection may do and hold. Times in milliseconds. */
export interface DeviceLimits {
  /** Devices that are connected at a time. */
  readonly connections: number
  /**
   * Connections not yet admitted when all others are taken; beyond this number, the oldest of them
   * is closed.
   */
  readonly newcomers: number
  /** For the TLS handshake and CONNECT. */
  readonly connectMs: number
  /** Seconds; what a device asks for is clamped to them. */
  readonly keepAlive: { readonly least: number; readonly most: number }
  /** Bytes of a whole packet. */
  readonly packetBytes: number
  /** Bytes of packets and requests that wait, over all connections. */
  readonly waitingBytes: number
  /** Requests of one device that wait, and their bytes; beyond either the device is disconnected. */
  readonly waitingRequests: number
  readonly waitingRequestBytes: number
  /** Messages of one device in a second; what comes beyond is discarded without PUBACK. */
  readonly messagesPerSecond: number
  /** Packets of one device in a second, but for acknowledgements that are waited for; beyond it the device is disconnected. */
  readonly packetsPerSecond: number
  /** Bytes read from one device per second; the rest is read in the next second. */
  readonly bytesPerSecond: number
  /** Topic filters in one SUBSCRIBE or UNSUBSCRIBE; with more, the device is disconnected. */
  readonly subscriptions: number
  /** The same, of one device in a second. */
  readonly filtersPerSecond: number
  /** Channels that one device joins; more are refused. */
  readonly channels: number
  /**
   * Messages of channels that a device may owe an acknowledgement for, and bytes that wait to be written to it; beyond
   * either it misses all but the newest of each channel.
   */
  readonly channelMessages: number
  readonly channelBytes: number
  /** How long the acknowledgement of such a message is waited for. */
  readonly channelPatienceMs: number
  /** Answers that one device has not taken; beyond it the device is disconnected. */
  readonly unwrittenAnswers: number
  /** Messages that a device may owe an acknowledgement for; beyond it, it is busy. */
  readonly unacknowledged: number
  /** Bytes that wait to be written to one device; beyond it, it is busy. */
  readonly unwrittenBytes: number
  /** A device that reads nothing of what waits for it for this long is disconnected. */
  readonly stalledMs: number
}

const PACKETS_PER_SECOND = 1_000

/** The same limits as AWS IoT Core (AWS IoT Core quotas), where it has one. */
export const deviceLimits: DeviceLimits = {
  connections: 12_000,
  newcomers: 1_000,
  connectMs: 10_000,
  keepAlive: { least: 30, most: 1_200 },
  packetBytes: MAX_REQUEST_BYTES + 18 * 1024,
  waitingBytes: 64 * 1024 * 1024,
  waitingRequests: 100,
  waitingRequestBytes: 1024 * 1024,
  messagesPerSecond: 100,
  packetsPerSecond: PACKETS_PER_SECOND,
  bytesPerSecond: 512 * 1024,
  subscriptions: MAX_FILTERS,
  // all that a device has joined, and all anew, with room to spare
  filtersPerSecond: 4 * MAX_JOINED_CHANNELS,
  channels: MAX_JOINED_CHANNELS,
  channelMessages: 20,
  channelBytes: 64 * 1024,
  channelPatienceMs: 5_000,
  // what may be asked in one read at the turn of a second, when none of it can have been written yet
  unwrittenAnswers: 2 * PACKETS_PER_SECOND,
  unacknowledged: 100,
  unwrittenBytes: 512 * 1024,
  stalledMs: 30_000,
}

/** Before CONNECT nobody is known: no honest CONNECT is larger. */
export const CONNECT_BYTES = 4 * 1024

/** What it costs to read anything at all, in bytes that cost as much: a TLS record may carry a single one. */
export const READ_BYTES = 64
