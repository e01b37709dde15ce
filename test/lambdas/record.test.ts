import { outcomeOf, serializeOutcomes } from '@heliograph/core/outcome'
import type { Receipts } from '@heliograph/core/ports'
import type { SQSRecord } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { recordHandler } from '../../lambdas/record/handler.ts'
import { notification, now } from '../contract/samples.ts'

const outcome = () => outcomeOf('delivered', notification(), now)
const record = (messageId: string, body: string) => ({ messageId, body }) as SQSRecord
const lines: string[] = []
const log = {
  info: () => {},
  warn: () => {},
  error: (message: string) => {
    lines.push(message)
  },
}
const handle = (write: Receipts['write'], ...records: SQSRecord[]) =>
  recordHandler({ write }, log)({ Records: records })

describe('a batch of outcomes', () => {
  test('is written together', async () => {
    const [one, two, three] = [outcome(), outcome(), outcome()]
    const written: unknown[] = []
    const write: Receipts['write'] = async (outcomes) => {
      written.push(outcomes)
    }
    const bodies = [serializeOutcomes([one, two]), serializeOutcomes([three])]
    const answer = await handle(write, ...bodies.map((body, at) => record(`m${at}`, body)))
    expect(answer.batchItemFailures).toEqual([])
    expect(written).toEqual([[one, two, three]])
  })

  test('comes back as a whole where it cannot be written', async () => {
    const write = () => Promise.reject(new Error('throttled'))
    const bodies = [record('a', serializeOutcomes([outcome()])), record('b', '[]')]
    const { batchItemFailures } = await handle(write, ...bodies)
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['a', 'b'])
    expect(lines).toContain('receipts could not be written')
  })

  test('is kept but for what holds no outcomes, which goes to the dead letters', async () => {
    const good = outcome()
    const written: unknown[] = []
    const write: Receipts['write'] = async (outcomes) => {
      written.push(...outcomes)
    }
    const strange = record('strange', '{"kind":"delivered"}')
    const { batchItemFailures } = await handle(
      write,
      strange,
      record('good', serializeOutcomes([good])),
    )
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'strange' }])
    expect(written).toEqual([good])
    expect(lines.at(-1)).toMatch(/holds no outcomes/)
  })
})
