import type { Presence } from '@heliograph/core/operator-ports'
import type { Receipt } from '@heliograph/core/receipts/receipt'
import type { Stats } from '@heliograph/core/stats/topic-stats'
import type { RevocationReason } from '@heliograph/core/trust/revocation-list'
import type { Announcement } from '@heliograph/protocol/messages'
import type { Retry } from '@heliograph/protocol/rejection'

/**
 * The JSON API between the console's page and its server. Types only: the page imports nothing else of this package.
 *
 * Every path begins with `/api/`; every other path is the page's. Times are milliseconds since the epoch unless they say
 * otherwise, and every text that devices, providers or AWS wrote is text: never markup, and as long as they made it.
 *
 * A request that changes something (POST) carries `content-type: application/json` and the header `heliograph-console: 1`;
 * its body is at most 256 KiB. An operation that takes longer than its time-out is answered with `timeout`: what
 * had begun may still be done, so the page should offer to look again.
 */
export interface Endpoints {
  /** Answered at once, without the deployment. It is the one request that does not put off the end of an idle console. */
  'GET /api/session': { answer: SessionView }
  /** Ends the console, as Ctrl-C does. */
  'POST /api/session/end': { body: Record<string, never>; answer: Record<string, never> }
  /** What the console is of; finds the deployment, which on AWS takes a second or two at first. */
  'GET /api/deployment': { answer: DeploymentView }

  /** One part of the overview, now; `/api/overview/live` is the same over and over. `since` is seconds until now (default 3600). */
  'GET /api/overview/:part': {
    params: { part: OverviewPartName }
    query: { since?: string; topic?: string | string[] }
    answer: OverviewPart
  }

  /** The credentials that `send` can use. They live in the server's memory, and end with it. */
  'GET /api/credentials': { answer: { credentials: CredentialView[] } }
  /** Takes a provider's credential for sending; it is never given out again. */
  'POST /api/credentials': { body: NewCredential; answer: CredentialView }
  'POST /api/credentials/:id/forget': {
    params: { id: string }
    body: Record<string, never>
    answer: Record<string, never>
  }
  /** Sends one notification through the provider edge, as a provider would. A refusal of the edge is an answer like any other. */
  'POST /api/send': { body: SendBody; answer: SendAnswer }

  /** By `apns-id` or `apns-unique-id`, the newest first; `notFound` where there is none. */
  'GET /api/notifications/:id': { params: { id: string }; answer: { receipts: Receipt[] } }

  /** The newest first, of at most `limit` (1 to 1,000, default 100) in no order. */
  'GET /api/devices': {
    query: { limit?: string }
    answer: { devices: DeviceListed[]; more: boolean }
  }
  'GET /api/devices/:id': { params: { id: string }; answer: DeviceAnswer }
  /** Shuts the device out for good. `confirm` is its id. */
  'POST /api/devices/:id/revoke': {
    params: { id: string }
    body: Confirmed
    answer: DeviceRevoked
  }
  /** Ends one registration: its providers hear 410 `ExpiredToken`. `confirm` is the topic. */
  'POST /api/devices/:id/expire': {
    params: { id: string }
    body: Confirmed & { topic: string }
    answer: TokenExpired
  }
  /** One-time activation codes, shown this once. `count` 1 to 100 (default 1), `ttlSeconds` up to 366 days (default one day). */
  'POST /api/devices/invite': {
    body: { count?: number; ttlSeconds?: number }
    answer: { codes: { code: string; expiresAt: number }[] }
  }

  /** What a device token is, by its 64 hex digits; also where it is not one of this deployment. */
  'GET /api/tokens/:token': { params: { token: string }; answer: TokenAnswer }
  /** As `/api/devices/:id/expire`. `confirm` is the token's topic. */
  'POST /api/tokens/:token/expire': {
    params: { token: string }
    body: Confirmed
    answer: TokenExpired
  }

  /** The newest first. */
  'GET /api/providers/certificates': { answer: { certificates: ProviderCertificate[] } }
  /** Issues a certificate. This answer is the only place where its private key ever is: offer the files at once. */
  'POST /api/providers/certificates': { body: NewCertificate; answer: CertificateIssued }
  /** For good, everywhere by `effectiveBy`. `confirm` is its first topic. */
  'POST /api/providers/certificates/:fingerprint/revoke': {
    params: { fingerprint: string }
    body: Confirmed & { reason?: RevocationReason }
    answer: ProviderCertificate & { effectiveBy: number }
  }
  /** The newest first; `notFound` where an earlier version is deployed. */
  'GET /api/providers/keys': { answer: { keys: ProviderKeyView[] } }
  /** Makes a provider key. This answer is the only place where its private half ever is: offer the file at once. */
  'POST /api/providers/keys': { body: NewProviderKey; answer: ProviderKeyCreated }
  /** Puts the public half (PEM) of a key that a team has on record. */
  'POST /api/providers/keys/import': {
    body: { topics: string[]; team: string; keyId: string; publicKey: string }
    answer: ProviderKeyView
  }
  /** For good, everywhere by `effectiveBy`. `confirm` is the key id. */
  'POST /api/providers/keys/:keyId/revoke': {
    params: { keyId: string }
    body: Confirmed
    answer: ProviderKeyView & { effectiveBy: number }
  }
  /** What the service would say of a provider token (JWT), and why. The token is read and forgotten. */
  'POST /api/providers/tokens/check': {
    body: { token: string; topic?: string }
    answer: ProviderTokenCheck
  }

  /** Every queue of dead letters that the deployment has. */
  'GET /api/dead-letters': { answer: { queues: DeadLetterQueue[] } }
  /** The first letters of a queue (`limit` 1 to 1,000, default 20), which stay in it. On AWS it may take seconds. */
  'GET /api/dead-letters/:queue': {
    params: { queue: string }
    query: { limit?: string }
    answer: { queue: DeadLetterQueue; letters: DeadLetterView[] }
  }
  /** Hands every letter of the queue over once more. Answers at once; the work is a job. */
  'POST /api/dead-letters/:queue/redrive': {
    params: { queue: string }
    body: Record<string, never>
    answer: Job
  }
  /** Deletes every letter of the queue, or one, for good. `confirm` is the queue's name. The work is a job. */
  'POST /api/dead-letters/:queue/drop': {
    params: { queue: string }
    body: Confirmed & { messageId?: string }
    answer: Job
  }

  /** The jobs of this console, the newest first: a page that was loaded anew finds what it had begun. */
  'GET /api/jobs': { answer: { jobs: Job[] } }
  /** Stops the job after the step that is under way. What was done stays done. */
  'POST /api/jobs/:id/cancel': { params: { id: string }; body: Record<string, never>; answer: Job }
}

/**
 * The event streams (`text/event-stream`, by GET). Each event's data is one JSON value of the type beside its name. Any
 * stream may also carry the events of `StreamEnds`; after one of these the server closes it, and the page must close
 * its `EventSource`, which would otherwise ask again. An open stream does not keep an idle console alive.
 */
export interface Streams {
  /** Every part at once, then each again every `refreshSeconds` of its own; a part that fails says so and is tried again. */
  'GET /api/overview/live': {
    query: { since?: string; topic?: string | string[] }
    events: { part: OverviewPart; failed: { part: OverviewPartName; at: number; error: ApiError } }
  }
  /** Events as subscribers hear them; nothing is missed from `ready` on, unless `missed` says how many. */
  'GET /api/events': {
    query: { topic?: string | string[]; outcome?: string | string[] }
    events: { ready: Record<string, never>; event: Announcement; missed: { count: number } }
  }
  /** Runs every check once. `begin` names them; findings come as checks finish, in any order. */
  'GET /api/doctor': {
    events: { begin: { checks: string[] }; finding: { check: string; findings: Finding[] } }
  }
  /** The job now, and after every change. */
  'GET /api/jobs/:id/events': { params: { id: string }; events: { job: Job } }
}

/** What ends a stream. */
export interface StreamEnds {
  /** All is said: the checks of `doctor` are through, the job has ended. */
  end: Record<string, never>
  /** The work behind the stream failed. (Not named `error`, which `EventSource` uses for itself.) */
  failure: ApiError
  /** The console ends. */
  bye: { reason: 'idle' | 'stopped' }
}

/** The body of every answer that is not 200. */
export interface ErrorAnswer {
  error: ApiError
}

export interface ApiError {
  kind: ErrorKind
  /** A sentence for a person, which says what to do. */
  message: string
}

/**
 * | kind | status | |
 * |---|---|---|
 * | `usage` | 400 | what was asked for is not well-formed; nothing was done |
 * | `confirm` | 400 | the name was not typed, or another; nothing was done |
 * | `session` | 401 | no session: open the address that the command printed |
 * | `forbidden` | 403 | a request from elsewhere (Host, Origin, Sec-Fetch-Site, missing header) |
 * | `notFound` | 404 | what was asked for is not there |
 * | `method` | 405 | |
 * | `refused` | 409 | the service, AWS or a precondition said no |
 * | `tooLarge` | 413 | |
 * | `mediaType` | 415 | the body is not declared as JSON |
 * | `busy` | 429 | too many streams, jobs or attempts: try again |
 * | `failed` | 500 | something broke |
 * | `unreachable` | 502 | the deployment does not answer |
 * | `timeout` | 504 | it did not answer in the time that the message says |
 */
export type ErrorKind =
  | 'usage'
  | 'confirm'
  | 'session'
  | 'forbidden'
  | 'notFound'
  | 'method'
  | 'refused'
  | 'tooLarge'
  | 'mediaType'
  | 'busy'
  | 'failed'
  | 'unreachable'
  | 'timeout'

/** A dangerous act: the name of what it is done to, as a person typed it. */
export interface Confirmed {
  confirm: string
}

export interface SessionView {
  target: 'embedded' | 'machine' | 'aws'
  /** Of a stage on AWS; the others say theirs in `DeploymentView`. */
  stage?: string
  /** Of the `heliograph` package. */
  version: string
  now: number
  /** When the console ends if nothing is done until then. */
  endsAt: number
}

export interface DeploymentView {
  stage: string
  features: {
    /** Figures by topic; without them `rates` of the overview is `notFound`. */
    stats: boolean
    receipts: boolean
    events: boolean
    providerKeys: boolean
    /** Provider tokens are taken. */
    tokens: boolean
  }
  /** Absent if the entrances could not be found; everything else works. */
  entrances?: {
    /** `https://host:port`, for certificates. */
    provider: string
    /** The same for provider tokens. */
    tokens?: string
    activation: string
    mqtt: { host: string; port: number }
  }
  /** The topic of the demo app, where there is one. */
  demoTopic?: string
}

export type OverviewPartName = 'rates' | 'queues' | 'devices' | 'alarms'

export type OverviewPart =
  | OverviewOf<'rates', Stats>
  | OverviewOf<'queues', { queues: QueueState[] }>
  | OverviewOf<'devices', DeviceFigures>
  | OverviewOf<'alarms', { alarms: AlarmState[]; note?: string }>

export interface OverviewOf<Name extends OverviewPartName, Value> {
  part: Name
  /** When it was read. */
  at: number
  /** How often `live` reads it again: seldom where each reading costs the owner (CloudWatch). */
  refreshSeconds: number
  value: Value
}

export interface QueueState {
  /** `notifications`, `slots`, `outcomes`, `announcements` of `work`; of `deadLetters` the names in `/api/dead-letters`. */
  name: string
  kind: 'work' | 'deadLetters'
  /** Messages that wait, roughly. */
  waiting: number
  /** Messages that are worked on. */
  inFlight?: number
  /** Age of the oldest message that waits; absent if nothing waits or it is not known. */
  oldestSeconds?: number
}

export interface DeviceFigures {
  /** Absent if the target does not count them. */
  connected?: number
  /** What `connected` is, or why it is absent. */
  note?: string
}

export interface AlarmState {
  name: string
  state: 'ok' | 'alarm' | 'unknown'
  /** Since when. */
  since?: number
  /** What it is about, and what to do. */
  description: string
}

export interface CredentialView {
  id: string
  /** What a person calls it, for example the file that it was in. */
  label: string
  kind: 'certificate' | 'key'
  /** Where it came from. */
  from: 'demo' | 'command' | 'page' | 'issued'
  /** The topics that it names, where that is known. */
  topics?: string[]
  /** Of a key. */
  keyId?: string
  teamId?: string
}

export type NewCredential = { label?: string } & (
  | {
      kind: 'pem'
      /** PEM. */
      certificate: string
      key: string
    }
  | {
      kind: 'p12'
      /** The file in base64. */
      p12: string
      passphrase: string
    }
  | {
      kind: 'key'
      /** PEM, as Apple's `.p8`. */
      p8: string
      keyId: string
      teamId: string
    }
)

/** A notification as a provider words it; what is absent is left to the service, and nothing is checked before it. */
export interface SendOrderBody {
  token: string
  /** `apns-topic`. */
  topic?: string
  /** `apns-push-type`. */
  pushType?: string
  /** `apns-priority`. */
  priority?: string
  /** `apns-expiration`: UNIX seconds, or 0. */
  expiration?: string
  /** `apns-collapse-id`. */
  collapseId?: string
  /** `apns-id`. */
  id?: string
  /** JSON text, sent byte for byte. */
  payload: string
}

export interface SendBody extends SendOrderBody {
  /** Of `/api/credentials`. */
  credential: string
}

export interface SendAnswer {
  /** Apple's. */
  status: number
  /** Apple's string; absent with 200. */
  reason?: string
  /** The service's own words on the reason. */
  detail?: string
  /** `apns-id` of the answer. */
  id: string
  /** `apns-unique-id`; the address of its receipt. */
  uniqueId?: string
  /** With 410: since when the token is dead. */
  timestamp?: number
  tookMs: number
  explanation: Explanation
  /** What was sent, without the credential. */
  request: { url: string; method: 'POST'; headers: Record<string, string>; body: string }
}

export interface Explanation {
  /** What the answer means. */
  meaning: string
  /** What to do about it. */
  advice: string
  /** Whether to send again; absent with 200. */
  retry?: Retry
  blame?: 'provider' | 'device' | 'service'
}

export interface DeviceListed {
  deviceId: string
  activatedAt: number
  revokedAt?: number
  /** Newest first. */
  certificates: DeviceCertificateView[]
}

export interface DeviceCertificateView {
  certificateId: string
  notAfter: number
}

export interface DeviceAnswer {
  device: DeviceListed
  registrations: RegistrationView[]
  /** What waits for the device, never what it says. */
  pending: PendingView[]
  /** Absent if nothing is known: never seen, or gone for a while (on AWS half an hour). */
  presence?: Presence
}

export interface RegistrationView {
  topic: string
  live: boolean
  registeredAt: number
  unregisteredAt?: number
  /** Equal to `unregisteredAt` where the operator ended it. */
  expiredAt?: number
}

export interface PendingView {
  topic: string
  id: string
  acceptedAt: number
  expiresAt: number
  priority: number
  pushType: string
  /** Bytes of the payload. */
  size: number
}

export interface DeviceRevoked {
  deviceId: string
  revokedAt: number
  /** How many were revoked. */
  certificates: number
  /** Whether a connection was open. */
  disconnected: boolean
  /** Topics whose tokens died. */
  topics: string[]
}

export interface TokenExpired {
  deviceId: string
  topic: string
  expiredAt: number
}

export type TokenAnswer =
  | {
      opens: false
      /** Why it is not a token of this deployment. */
      why: string
    }
  | {
      opens: true
      deviceId: string
      device: 'active' | 'revoked' | 'unknown'
      /** Absent if neither a registration nor a credential names it. */
      topic?: string
      topicHash: string
      /** The token key that it was made with. */
      key: { id: string; state: 'primary' | 'accepted' | 'retired' }
      registration: 'live' | 'dead' | 'none'
      /** Since when the registration is live or dead. */
      since?: number
      /** What a provider with a credential for the topic is answered. */
      answer: '200' | '400 BadDeviceToken' | '410 Unregistered' | '410 ExpiredToken'
      explanation: Explanation
    }

export interface ProviderCertificate {
  /** SHA-256, 64 hex digits. */
  fingerprint: string
  /** The first is the one that is typed to revoke it. */
  topics: string[]
  serial: string
  subject: string
  notBefore: number
  notAfter: number
  issuedAt: number
  revokedAt?: number
  revocationReason?: string
  state: 'valid' | 'not valid yet' | 'expired' | 'revoked'
}

export interface NewCertificate {
  topics: string[]
  /** 1 to 3650, default 398. */
  days?: number
  /** Of the PKCS#12 file, 8 to 200 printable ASCII characters; made where absent. */
  passphrase?: string
  /** Also takes it as a credential for sending. */
  use?: boolean
}

export interface CertificateIssued {
  certificate: ProviderCertificate
  /** `.p12`, `.pem` and `.key`, as `heliograph provider issue` writes them. */
  files: Download[]
  /** Of the PKCS#12 file, where it was made; shown this once. */
  passphrase?: string
  credential?: CredentialView
}

/** A file to be saved by the page. */
export interface Download {
  name: string
  mediaType: string
  base64: string
  /** It holds a private key, which is nowhere else. */
  secret: boolean
}

export interface ProviderKeyView {
  keyId: string
  teamId: string
  topics: string[]
  createdAt: number
  revokedAt?: number
  state: 'live' | 'revoked'
}

export interface NewProviderKey {
  topics: string[]
  /** 10 capital letters and digits. */
  team: string
  /** The same; made where absent. */
  keyId?: string
  /** Also takes it as a credential for sending. */
  use?: boolean
}

export interface ProviderKeyCreated {
  key: ProviderKeyView
  /** `AuthKey_<key id>.p8`. */
  file: Download
  credential?: CredentialView
}

export interface ProviderTokenCheck {
  /** What the service would answer to a request with this token now: undefined if it would take it. */
  reason?: string
  explanation: Explanation
  /** One by one, in the service's order, up to the first that fails. */
  checks: { name: string; good: boolean; detail: string }[]
  /** Decoded, as far as they are JSON. */
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  /** The key that `kid` names, where it is on record. */
  key?: ProviderKeyView
  /** Milliseconds since the epoch: when the service stops taking it. */
  expiresAt?: number
}

export interface DeadLetterQueue {
  name: string
  waiting: number
  /** What comes into this queue, and why. */
  about: string
  /** What to do with it. */
  advice: string
  /** Whether its letters can be handed over once more. */
  redrivable: boolean
}

export interface DeadLetterView {
  messageId: string
  sentAt: number
  /** What it is about, never what it says. */
  about: string
  /** The notification, where it is one: the address of its receipt, and its device. */
  notification?: { id: string; uniqueId: string; topic: string; deviceId: string }
}

export interface Job {
  id: string
  kind: 'redrive' | 'drop'
  /** Of dead letters. */
  queue: string
  state: 'running' | 'cancelling' | 'done' | 'cancelled' | 'failed'
  startedAt: number
  endedAt?: number
  /** Letters that were handed over or deleted so far. */
  done: number
  /** Letters that could not be handed over, and stay. */
  left: number
  /** How many there were at the beginning, roughly. */
  total?: number
  /** Of one that failed. */
  error?: ApiError
}

export interface Finding {
  check: string
  state: 'ok' | 'warning' | 'problem'
  /** What was found, and what to do about it if it is not well. */
  detail: string
}
