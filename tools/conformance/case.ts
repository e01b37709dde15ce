import { readFileSync } from 'node:fs'

/** What a case asks the target to answer with; a sentence is a behavior with a test of its own. */
export interface ExpectedAnswer {
  readonly status: number
  /** `''`: no DATA at all. */
  readonly body?: string
  /** Keys that the JSON body must have; `integer ms` is any integer. */
  readonly json?: Readonly<Record<string, unknown>>
  /** `echo-or-new-uuid`: the apns-id sent, unchanged, or a new UUID if none or an invalid one was sent. */
  readonly headers?: Readonly<Record<string, string>>
  readonly anyReason?: boolean
  /** For each token of a request to many devices, in their order: `accepted`, or the reason. */
  readonly results?: readonly string[]
}

export type Expected = ExpectedAnswer | { readonly oneOf: readonly ExpectedAnswer[] }

export interface CaseRequest {
  readonly method: string
  /** The file's tokens are placeholders for the target's. */
  readonly path: string
  /** `now+N`: the UNIX time plus N seconds; text goes out as UTF-8. */
  readonly headers: Readonly<Record<string, string>>
  /** Placeholders stand for the target's tokens here, too. */
  readonly body: string
  /** A valid JSON payload of exactly so many bytes instead of `body`. */
  readonly bodyBytes?: number
  /** Bytes that are no text, in hex, instead of `body`. */
  readonly bodyHex?: string
  /** Sent as listed in place of the same names in `headers`. */
  readonly rawHeaders?: readonly (readonly [string, string])[]
  /** The shape of `:authority`. */
  readonly pseudo?: 'authority-without-port' | 'host-only'
}

export interface Case {
  readonly id: string
  readonly kind: string
  readonly title: string
  readonly auth?: string
  /** A state to arrange for this case alone. */
  readonly given?: string
  readonly request?: CaseRequest
  readonly expect: Expected | string
  /** What must hold afterward. */
  readonly then?: string
  readonly basis: string
}

interface CaseFile {
  readonly tokens: Readonly<Record<TokenName, string>>
  readonly cases: readonly Case[]
}

export type TokenName = 'live' | 'dead' | 'never_issued' | 'long'

const file = JSON.parse(
  readFileSync(new URL('./cases.json', import.meta.url), 'utf8'),
) as unknown as CaseFile

export const { tokens: placeholders, cases: givenCases } = file
