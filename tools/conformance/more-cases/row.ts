import type { Case, CaseRequest, ExpectedAnswer } from '../case.ts'
import { placeholders } from '../case.ts'

export const TOPIC = 'com.example.app'
export const PATH = `/3/device/${placeholders.live}`
const headers = { 'apns-topic': TOPIC, 'apns-push-type': 'alert' }
const plain: CaseRequest = { method: 'POST', path: PATH, headers, body: '{"aps":{"alert":"x"}}' }

export type Change = Partial<Omit<CaseRequest, 'headers'>> & {
  readonly headers?: Readonly<Record<string, string | undefined>>
}

function requestOf({ headers: changed = {}, ...rest }: Change): CaseRequest {
  const merged = Object.entries({ ...headers, ...changed })
  const kept = merged.filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...plain, ...rest, headers: Object.fromEntries(kept) }
}

const accepted: ExpectedAnswer = {
  status: 200,
  body: '',
  headers: { 'apns-id': 'echo-or-new-uuid' },
}

function refused(status: number, reason: string): ExpectedAnswer {
  return {
    status,
    json: { reason },
    headers: { 'content-type': 'application/json', 'apns-id': 'echo-or-new-uuid' },
  }
}

interface Row {
  readonly id: string
  readonly title: string
  readonly change: Change
  /** Absent: accepted. */
  readonly refusal?: readonly [number, string]
  readonly given?: string
  readonly auth?: string
  readonly basis?: string
}

/** A case in the format of `cases.json`. */
export const row =
  (kind: string) =>
  ({ id, title, change, refusal, given, auth = 'any', basis = 'design' }: Row): Case => ({
    ...{ id, kind, title, auth, basis, request: requestOf(change) },
    expect: refusal ? refused(...refusal) : accepted,
    ...(given && { given }),
  })

export const REGISTERED = 'a device token registered for that topic'
export const UUID = '123e4567-e89b-12d3-a456-4266554400a0'

/** The same header two times. */
export const twice = (
  name: string,
  first: string,
  second = first,
): readonly (readonly [string, string])[] => [
  [name, first],
  [name, second],
]

/** For titles. */
export function quoted(value: string): string {
  return value.length > 60 ? `of ${value.length} characters` : `'${value}'`
}
