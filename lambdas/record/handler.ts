import { faultFields, type Log } from '@heliograph/aws/log'
import { parseOutcomes } from '@heliograph/core/outcome'
import type { Receipts } from '@heliograph/core/ports'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'

/**
 * Stores the outcomes of a batch together, so that they share rows. If that fails, all of them come
 * again, and nothing is written twice.
 */
export function recordHandler(receipts: Pick<Receipts, 'write'>, log: Log) {
  return async ({ Records: records }: SQSEvent): Promise<SQSBatchResponse> => {
    const read = records.map(({ messageId, body }) => ({
      messageId,
      outcomes: parseOutcomes(body),
    }))
    const unreadable = read.filter(({ outcomes }) => outcomes === undefined)
    for (const { messageId } of unreadable)
      log.error('queue message holds no outcomes: it goes to the dead-letter queue', { messageId })
    const failed = (await keep(
      receipts,
      read.flatMap(({ outcomes = [] }) => outcomes),
      log,
    ))
      ? unreadable
      : read
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) }
  }
}

async function keep(
  receipts: Pick<Receipts, 'write'>,
  outcomes: Parameters<Receipts['write']>[0],
  log: Log,
): Promise<boolean> {
  try {
    await receipts.write(outcomes)
    return true
  } catch (fault) {
    log.error('receipts could not be written', { outcomes: outcomes.length, ...faultFields(fault) })
    return false
  }
}
