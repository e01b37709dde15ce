/** The settings of an SDK client that the lean clients keep. */
export interface ClientSettings {
  /** Attempts at one call, the first included. Default 3, as in the SDK. */
  readonly maxAttempts: number
  /** Base address, for example `https://example-ats.iot.eu-west-1.amazonaws.com`. */
  readonly endpoint: string | undefined
  /** Milliseconds until a new socket is connected; 0 = no limit. */
  readonly connectionTimeout: number
  /** Milliseconds until the whole answer must have arrived; 0 = no limit. */
  readonly requestTimeout: number
  /** Sockets at the same time; further requests wait for one. Default 50, as in the SDK. */
  readonly maxSockets: number
}

/** What an SDK client takes, as far as the functions use it. */
export interface GivenSettings {
  readonly maxAttempts?: number
  readonly endpoint?: string
  readonly requestHandler?: {
    readonly connectionTimeout?: number
    readonly requestTimeout?: number
    readonly throwOnRequestTimeout?: boolean
    readonly httpsAgent?: { readonly maxSockets?: number }
  }
  /** Of the SDK's own working only: there is nothing here that they could change. */
  readonly cacheMiddleware?: boolean
  readonly md5?: boolean
  readonly useQueueUrlAsEndpoint?: boolean
}

type Known<Settings> = Readonly<Record<keyof Settings, true>>
type GivenHandler = NonNullable<GivenSettings['requestHandler']>

const knownOfHandler: Known<GivenHandler> = {
  connectionTimeout: true,
  requestTimeout: true,
  throwOnRequestTimeout: true,
  httpsAgent: true,
}
const knownOfAgent: Known<NonNullable<GivenHandler['httpsAgent']>> = { maxSockets: true }

const known: Known<GivenSettings> = {
  maxAttempts: true,
  endpoint: true,
  requestHandler: true,
  cacheMiddleware: true,
  md5: true,
  useQueueUrlAsEndpoint: true,
}

/** Reads a client's settings; throws for one that would be ignored here and heeded by the SDK. */
export function readSettings(given: GivenSettings = {}): ClientSettings {
  const { requestHandler = {} } = given
  const {
    connectionTimeout,
    requestTimeout,
    throwOnRequestTimeout,
    httpsAgent = {},
  } = requestHandler
  refuseUnknown(given, known)
  refuseUnknown(requestHandler, knownOfHandler)
  refuseUnknown(httpsAgent, knownOfAgent)
  return {
    maxAttempts: given.maxAttempts ?? 3,
    endpoint: given.endpoint,
    connectionTimeout: connectionTimeout ?? 0,
    // without that word the SDK only warns of a time-out
    requestTimeout: throwOnRequestTimeout ? (requestTimeout ?? 0) : 0,
    maxSockets: httpsAgent.maxSockets ?? 50,
  }
}

function refuseUnknown<Settings extends object>(given: Settings, known: Known<Settings>): void {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (unknown !== undefined)
    throw new Error(`the lean clients do not know the setting ${unknown}: add it to aws/lean`)
}
