import { rejections } from '@heliograph/protocol/rejection'
import { resultsIn, shapeFaults } from '../conformance/judge.ts'
import { reasonOf, type Seen } from '../conformance/wire.ts'
import type { FuzzRequest } from './generate.ts'

/** What an answer is called, and what is wrong with it. */
export function verdict(
  request: FuzzRequest,
  seen: Seen,
  payload?: string,
): { readonly name: string; readonly faults: string[] } {
  const ids = request.fields.filter(([name]) => name === 'apns-id').map(([, value]) => value)
  const bodiless = request.method === 'HEAD' && seen.status === 405 && seen.body === ''
  const faults = bodiless ? [] : shapeFaults(seen, ids.length === 1 ? ids[0] : undefined)
  const name = seen.status === 200 ? '200' : `${seen.status} ${reasonOf(seen) ?? ''}`
  if (seen.status >= 500) faults.push(name)
  faults.push(...bodyFaults(seen))
  if (seen.status === 200) faults.push(...resultFaults(request, seen))
  const came = bodiless ? 'MethodNotAllowed' : outcomeOf(seen)
  if (request.expected !== undefined && came !== request.expected)
    faults.push(`${came} instead of ${request.expected}`)
  const isAsSent = request.expected === undefined || payload === request.payload.toString('utf8')
  if (payload !== undefined && !isAsSent) faults.push('the payload was changed')
  return { name, faults }
}

function outcomeOf(seen: Seen): string {
  return seen.status === 200 ? 'accepted' : (reasonOf(seen) ?? '')
}

function bodyFaults(seen: Seen): string[] {
  const reason = reasonOf(seen)
  if (reason !== undefined && !(reason in rejections)) return ['a reason of nobody']
  return []
}

function resultFaults({ results, expected }: FuzzRequest, seen: Seen): string[] {
  if (results === undefined) return seen.body === '' ? [] : ['200 with a body']
  const came = resultsIn(seen)
  // where something was mangled there may be more of them or fewer
  if (expected === undefined) return came.length > 0 ? [] : ['200 without results']
  if (came.length !== results.length) return [`${came.length} results for ${results.length} tokens`]
  return results.flatMap((result, at) =>
    result === undefined || result === came[at] ? [] : [`${came[at]} instead of ${result}`],
  )
}
