import { parseNotificationId } from '@heliograph/protocol/identifiers'
import type { Expected, ExpectedAnswer } from './case.ts'
import { jsonOf, type Seen } from './wire.ts'

const LOWER_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** What is wrong with an answer; nothing for one that conforms. */
export function judge(expected: Expected, seen: Seen, sentId: string | undefined): string[] {
  const options = 'oneOf' in expected ? expected.oneOf : [expected]
  const verdicts = options.map((option) => compare(option, seen, sentId))
  const best = verdicts.find((faults) => faults.length === 0) ?? verdicts[0] ?? []
  return [...best, ...shapeFaults(seen, sentId)]
}

function compare(expected: ExpectedAnswer, seen: Seen, sentId: string | undefined): string[] {
  const faults: string[] = []
  if (seen.status !== expected.status) faults.push(`status ${seen.status}`)
  if (expected.body === '' && !seen.endedByHeaders) faults.push('HEADERS without END_STREAM')
  const headers = Object.entries(expected.headers ?? {})
  const unfit = headers.filter(([name, value]) => !headerFits(seen.headers[name], value, sentId))
  faults.push(...unfit.map(([name]) => `${name}: ${seen.headers[name]}`))
  const results = expected.results?.join(' ')
  if (results !== undefined && resultsIn(seen).join(' ') !== results)
    faults.push(`results ${resultsIn(seen).join(' ').slice(0, 200)}`)
  return [...faults, ...bodyFaults(expected, jsonOf(seen.body))]
}

function bodyFaults(expected: ExpectedAnswer, json: ReturnType<typeof jsonOf>): string[] {
  const fits = (key: string, value: unknown) =>
    value === 'integer ms' ? isMoment(json?.[key]) : json?.[key] === value
  const unfit = Object.entries(expected.json ?? {}).filter(([key, value]) => !fits(key, value))
  const faults = unfit.map(([key]) => `${key} = ${json?.[key]}`)
  if (expected.anyReason && typeof json?.reason !== 'string') faults.push('no reason')
  return faults
}

/** `accepted` or the reason, for each token of a request to many devices. */
export function resultsIn({ body }: Pick<Seen, 'body'>): string[] {
  return rowsOf(body).map(({ status, reason }) => (status === 200 ? 'accepted' : String(reason)))
}

function rowsOf(body: string): Record<string, unknown>[] {
  const results = jsonOf(body)?.results
  return Array.isArray(results) ? results : []
}

/** Each result has what an answer to its token alone would have had, and nothing else. */
function resultFaults(body: string): string[] {
  return rowsOf(body).flatMap((result, at) => {
    const { status, reason, timestamp, 'apns-id': id, 'apns-unique-id': uniqueId, ...rest } = result
    const isAccepted = status === 200
    const fits =
      (parseNotificationId(id) !== undefined) === isAccepted &&
      LOWER_UUID.test(String(uniqueId)) === isAccepted &&
      (typeof reason === 'string') !== isAccepted &&
      isMoment(timestamp) === (status === 410) &&
      Object.keys(rest).length === 0
    return fits ? [] : [`result ${at}: ${JSON.stringify(result)}`]
  })
}

function headerFits(value: unknown, expected: string, sentId: string | undefined): boolean {
  if (expected !== 'echo-or-new-uuid') return value === expected
  return parseNotificationId(sentId) ? value === sentId : parseNotificationId(value) !== undefined
}

function isMoment(value: unknown): boolean {
  const ms = Number(value)
  return Number.isInteger(value) && ms > Date.UTC(2020, 0) && ms <= Date.now() + 60_000
}

/** What holds for every answer, whatever the case (docs/provider-api.md, "The answer"). */
export function shapeFaults(seen: Seen, sentId: string | undefined): string[] {
  const faults: string[] = []
  const { headers, status } = seen
  if (!headerFits(headers['apns-id'], 'echo-or-new-uuid', sentId)) faults.push('apns-id')
  if (seen.tookMs > 5_000) faults.push(`answered after ${Math.round(seen.tookMs)} ms`)
  if (status === 200 && seen.body !== '') return [...faults, ...resultFaults(seen.body)]
  if (status === 200)
    return LOWER_UUID.test(String(headers['apns-unique-id']))
      ? faults
      : [...faults, 'apns-unique-id']
  return [...faults, ...refusalFaults(seen)]
}

function refusalFaults({ headers, status, body, chunks }: Seen): string[] {
  const { reason, timestamp, ...rest } = jsonOf(body) ?? {}
  const faults: string[] = []
  if (headers['content-type'] !== 'application/json') faults.push('content-type')
  if (!headers['heliograph-detail']) faults.push('no heliograph-detail')
  if (typeof reason !== 'string') faults.push('no reason')
  if ((timestamp !== undefined) !== (status === 410)) faults.push('timestamp with 410 only')
  if (Object.keys(rest).length > 0) faults.push(`further keys ${Object.keys(rest)}`)
  if (chunks !== 1) faults.push(`${chunks} DATA frames`)
  return faults
}
