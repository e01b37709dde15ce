import type { SQSClient } from '@aws-sdk/client-sqs'
import { announcementQueue } from '@heliograph/aws/announcement-queue'
import type { JsonLog } from '@heliograph/aws/log'
import { type Hearers, type OutcomeBatch, outcomeBatch } from '@heliograph/aws/outcome-batch'
import { outcomeQueue } from '@heliograph/aws/outcome-queue'
import { parseEventSettings, wantsEvent } from '@heliograph/core/events/event-settings'
import { parseReceiptSettings, wantsReceipt } from '@heliograph/core/receipts/receipt-settings'
import {
  type CountedAs,
  countedAs,
  parseCountedTopics,
} from '@heliograph/core/stats/counted-topics'
import { variable } from './settings.ts'

type OutcomeVariable = (typeof variable)[
  | 'outcomeQueue'
  | 'receipts'
  | 'announcementQueue'
  | 'events'
  | 'countedTopics']

/** The outcomes of a function that ends notifications: logged, kept and told to subscribers as the stage wants. */
export function outcomesOf(
  log: JsonLog,
  sqs: SQSClient,
  settings: Readonly<Record<OutcomeVariable, string>>,
): OutcomeBatch {
  const receipts = parseReceiptSettings(settings[variable.receipts])
  const events = parseEventSettings(settings[variable.events])
  const hearers: Hearers = {
    receipts: {
      queue: outcomeQueue(sqs, settings[variable.outcomeQueue]),
      wants: (outcome) => wantsReceipt(receipts, outcome),
    },
    events: {
      queue: announcementQueue(sqs, settings[variable.announcementQueue]),
      wants: (event) => wantsEvent(events, event),
    },
  }
  return outcomeBatch(log, hearers, countedBy(settings))
}

/** What the topics in the log are counted as. */
export function countedBy(
  settings: Readonly<Record<typeof variable.countedTopics, string>>,
): CountedAs {
  return countedAs(parseCountedTopics(settings[variable.countedTopics]))
}
