import { type Receipt, receiptsOf } from '@heliograph/core/receipts/receipt'
import { parseNotificationId } from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

/** What happened to the notifications under this id, the newest first; there is at least one. */
export async function showNotification(deployment: Deployment, text: string): Promise<Receipt[]> {
  const id = parseNotificationId(text)
  if (!id)
    throw new Failure(
      'usage',
      `"${text}" is not an apns-id or apns-unique-id: it has the form 8-4-4-4-12 of hex digits`,
    )
  const { receipts: store } = deployment.ports
  if (!store)
    throw new Failure('notFound', 'this deployment keeps no receipts: deploy it with this version')
  const receipts = receiptsOf(await store.find(id))
  if (receipts.length === 0)
    throw new Failure(
      'notFound',
      `there is no receipt under ${id}: the stage does not keep any for its topic, or no longer has it, or the notification is still waiting in the queue`,
    )
  return receipts
}
