import type { SQSClient } from '@aws-sdk/client-sqs'
import type { JsonLog } from '@heliograph/aws/log'
import { type OutcomeBatch, outcomeBatch } from '@heliograph/aws/outcome-batch'
import { outcomeQueue } from '@heliograph/aws/outcome-queue'
import { parseReceiptSettings, wantsReceipt } from '@heliograph/core/receipts/receipt-settings'
import { variable } from './settings.ts'

/** The outcomes of a function that ends notifications: logged, and kept where the stage wants them. */
export function outcomesOf(
  log: JsonLog,
  sqs: SQSClient,
  settings: Readonly<Record<typeof variable.outcomeQueue | typeof variable.receipts, string>>,
): OutcomeBatch {
  const receipts = parseReceiptSettings(settings[variable.receipts])
  const queue = outcomeQueue(sqs, settings[variable.outcomeQueue])
  return outcomeBatch(log, queue, (outcome) => wantsReceipt(receipts, outcome))
}
