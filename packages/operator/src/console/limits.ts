/** The console ends when nobody has asked for anything for so long. */
export const IDLE_MS = 60 * 60_000

/** Bytes of a request's body: a PKCS#12 file in base64 with a large chain, or a thousand topics, fits. */
export const MAX_BODY_BYTES = 256 * 1024

/** Bytes of a body that are read at all, before the connection is cut. */
export const MOST_READ_BYTES = 4 * 1024 * 1024

/** Bytes of a request's headers; a cookie, and what a browser sends by itself. */
export const MAX_HEADER_BYTES = 16 * 1024

/** Wrong keys that are looked at. One has 256 random bits, so that no number of guesses matters; who guesses shall show. */
export const MAX_WRONG_KEYS = 10

/** Connections at the same time. A browser opens six. */
export const MAX_CONNECTIONS = 64

/** Streams at the same time, of all windows. */
export const MAX_STREAMS = 16

/** Listeners at the same time: on AWS each makes a queue and a subscription. */
export const MAX_LISTENERS = 3

/** Bytes that wait for a reader of a stream before it is cut off. */
export const MAX_UNREAD_BYTES = 1024 * 1024

/** Between two signs of life on a stream, milliseconds. */
export const HEARTBEAT_MS = 15_000

/** Credentials and jobs that are remembered. */
export const MAX_CREDENTIALS = 50
export const MAX_JOBS = 50

/** How long a client may take for the headers of a request, and for all of it; milliseconds. */
export const HEADERS_MS = 5_000
export const REQUEST_MS = 15_000

/** How long the end of a console waits for what is being cleared away, milliseconds. */
export const CLEARING_MS = 10_000

/** How long an operation may take before the page is told so, seconds. */
export const patience = {
  /** A look-up. */
  read: 20,
  /** Metrics of CloudWatch by the hundred, letters of a queue page by page. */
  slowRead: 40,
  /** Several steps of which each may be tried again. */
  change: 60,
} as const

/** How often a part of the overview is read again, seconds: on AWS each reading of metrics is paid for. */
export const refresh = {
  here: { rates: 5, queues: 2, devices: 2, alarms: 10 },
  aws: { rates: 60, queues: 60, devices: 3_600, alarms: 60 },
} as const

/** Readings of the overview take at most this share of the time: reading receipts is work for a machine. */
export const READING_SHARE = 0.05
