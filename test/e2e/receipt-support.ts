import type { Receipt } from '@heliograph/core/receipts/receipt'
import type { ReceiptAnswer } from '@heliograph/protocol/messages'
import { expect } from 'vitest'
import { heliographJson } from './operator-support.ts'
import { type Request, request, settle, until } from './support.ts'
import type { Target } from './target.ts'

/** Outcomes are written together after a second, and SQS and Lambda take their time. */
const PATIENCE_MS = 60_000

/** The ids that a provider hears of a notification. */
export interface SentIds {
  readonly id: string
  readonly uniqueId: string
}

export const askReceipt = (target: Target, id: string) =>
  request(target, { method: 'GET', path: `/3/notification/${id}` })

export async function sendFor(target: Target, what: Request): Promise<SentIds> {
  const { status, headers } = await request(target, what)
  expect(status).toBe(200)
  return { id: String(headers['apns-id']), uniqueId: String(headers['apns-unique-id']) }
}

/** The receipt under an id once it has come to this. */
export function receiptWhen(
  target: Target,
  id: string,
  state: ReceiptAnswer['state'],
): Promise<ReceiptAnswer> {
  return until(async () => {
    const { status, body } = await askReceipt(target, id)
    const receipt = status === 200 ? (JSON.parse(body) as ReceiptAnswer) : undefined
    if (receipt?.state === state) return receipt
    await settle(100)
    return undefined
  }, PATIENCE_MS)
}

/**
 * The kinds of the events of a notification that has come to this: what its provider hears by either id,
 * and what `heliograph notification show` tells an operator, must be the same.
 */
export async function toldAlike(
  target: Target,
  { id, uniqueId }: SentIds,
  state: ReceiptAnswer['state'],
): Promise<readonly string[]> {
  const receipt = await receiptWhen(target, id, state)
  expect(receipt).toMatchObject({ id, uniqueId, state })
  expect(JSON.parse((await askReceipt(target, uniqueId)).body)).toEqual(receipt)
  const [shown] = await heliographJson<Receipt[]>(target, 'notification', 'show', uniqueId)
  expect(shown).toMatchObject({ id, uniqueId, state, events: receipt.events })
  return receipt.events.map(({ kind }) => kind)
}
