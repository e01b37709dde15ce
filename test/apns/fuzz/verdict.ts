import { rejections } from '../../../core/rejection.ts'
import { shapeFaults } from '../judge.ts'
import { reasonOf, type Seen } from '../wire.ts'
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
  const reason = reasonOf(seen)
  const name = seen.status === 200 ? '200' : `${seen.status} ${reason ?? ''}`
  if (reason !== undefined && !(reason in rejections)) faults.push('a reason of nobody')
  if (seen.status >= 500) faults.push(name)
  if (seen.status === 200 && seen.body !== '') faults.push('200 with a body')
  const came = seen.status === 200 ? 'accepted' : (reason ?? (bodiless ? 'MethodNotAllowed' : ''))
  if (request.expected !== undefined && came !== request.expected)
    faults.push(`${came} instead of ${request.expected}`)
  if (payload !== undefined && payload !== request.body.toString('utf8'))
    faults.push('the payload was changed')
  return { name, faults }
}
