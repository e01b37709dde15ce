import type { SQSClient } from '@aws-sdk/client-sqs'
import type { JsonLog } from '@heliograph/aws/log'
import { type OutcomeBatch, outcomeBatch } from '@heliograph/aws/outcome-batch'
import { outcomeQueue } from '@heliograph/aws/outcome-queue'
import type { Outcome } from '@heliograph/core/outcome'
import { parseReceiptSettings, wantsReceipt } from '@heliograph/core/receipts/receipt-settings'
import {
  type CountedAs,
  countedAs,
  parseCountedTopics,
} from '@heliograph/core/stats/counted-topics'
import { variable } from './settings.ts'

type OutcomeVariable = (typeof variable)['outcomeQueue' | 'receipts' | 'countedTopics']

/** The outcomes of a function that ends notifications: logged, and kept where the stage wants them. */
export function outcomesOf(
  log: JsonLog,
  sqs: SQSClient,
  settings: Readonly<Record<OutcomeVariable, string>>,
): OutcomeBatch {
  const receipts = parseReceiptSettings(settings[variable.receipts])
  const queue = outcomeQueue(sqs, settings[variable.outcomeQueue])
  const isWanted = (outcome: Outcome) => wantsReceipt(receipts, outcome)
  return outcomeBatch(log, queue, isWanted, countedBy(settings))
}

/** What the topics in the log are counted as. */
export function countedBy(
  settings: Readonly<Record<typeof variable.countedTopics, string>>,
): CountedAs {
  return countedAs(parseCountedTopics(settings[variable.countedTopics]))
}
