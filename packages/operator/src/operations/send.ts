import { Failure } from '../failure.ts'
import type { Edge, EdgeAnswer } from './edge.ts'

/** A notification as a provider specifies it; absent fields are left to the service. */
export interface SendOrder {
  readonly token: string
  readonly topic?: string
  /** JSON text, sent byte for byte. */
  readonly payload: string
  readonly pushType?: string
  readonly priority?: string
  readonly expiration?: string
  readonly collapseId?: string
  readonly id?: string
}

export interface SendResult {
  readonly status: number
  readonly id: string
  readonly uniqueId?: string
  readonly reason?: string
  /** This service's own words on the reason. */
  readonly detail?: string
  /** With 410: since when the token is dead; milliseconds since the epoch. */
  readonly timestamp?: number
  readonly tookMs: number
}

/** Sends one notification through the provider edge. Nothing is checked here: the edge is the judge. */
export async function sendNotification(edge: Edge, order: SendOrder): Promise<SendResult> {
  const answer = await edge.request({
    method: 'POST',
    path: `/3/device/${encodeURIComponent(order.token)}`,
    headers: headersOf(order),
    body: order.payload,
  })
  return sendResult(answer)
}

/** What an answer of the edge says about a notification or a broadcast. */
export function sendResult({ status, headers, body, tookMs }: EdgeAnswer): SendResult {
  const { reason, timestamp } = parseBody(body)
  const { 'apns-id': id = '', 'apns-unique-id': uniqueId, 'heliograph-detail': detail } = headers
  return {
    ...{ status, id, tookMs: Math.round(tookMs * 10) / 10 },
    ...(uniqueId && { uniqueId }),
    ...(reason && { reason }),
    ...(detail && { detail }),
    ...(timestamp !== undefined && { timestamp }),
  }
}

/** The `apns-` headers of an order. */
export function headersOf(order: Omit<SendOrder, 'token' | 'payload'>): Record<string, string> {
  const headers = {
    'apns-topic': order.topic,
    'apns-push-type': order.pushType,
    'apns-priority': order.priority,
    'apns-expiration': order.expiration,
    'apns-collapse-id': order.collapseId,
    'apns-id': order.id,
  }
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Record<string, string>
}

/** The reason in the body of a refusal. */
export function parseReason(body: string): string | undefined {
  return parseBody(body).reason
}

function parseBody(body: string): { reason?: string; timestamp?: number } {
  if (body === '') return {}
  try {
    return JSON.parse(body) as { reason?: string; timestamp?: number }
  } catch {
    throw new Failure('failed', `the edge did not answer in JSON: ${body.slice(0, 80)}`)
  }
}
