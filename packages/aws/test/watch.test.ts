import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { describe, expect, test } from 'vitest'
import { oldestMessages, stageAlarms } from '../src/operator/watch.ts'

/** Gives these answers one after the other, and keeps what it was asked. */
function clientOf(...answers: readonly object[]) {
  const inputs: object[] = []
  const send = async ({ input }: { readonly input: object }) => {
    inputs.push(input)
    return answers[inputs.length - 1] ?? {}
  }
  return { client: { send } as unknown as CloudWatchClient, inputs }
}

describe('alarms of a stage', () => {
  test('are read page by page, without the name of the stage', async () => {
    const since = new Date('2030-01-01')
    const { client, inputs } = clientOf(
      {
        MetricAlarms: [
          {
            AlarmName: 'heliograph-prod-notifications-late',
            AlarmDescription: 'The oldest has waited',
            StateValue: 'ALARM',
            StateTransitionedTimestamp: since,
          },
        ],
        NextToken: 'more',
      },
      {
        MetricAlarms: [
          { AlarmName: 'heliograph-prod-rule-errors', StateValue: 'OK' },
          { AlarmName: 'heliograph-prod-upkeep-errors', StateValue: 'INSUFFICIENT_DATA' },
        ],
      },
    )
    expect(await stageAlarms(client, 'prod')).toEqual([
      {
        name: 'notifications-late',
        state: 'alarm',
        since: since.getTime(),
        description: 'The oldest has waited',
      },
      { name: 'rule-errors', state: 'ok', description: '' },
      { name: 'upkeep-errors', state: 'unknown', description: '' },
    ])
    expect(inputs).toMatchObject([
      { AlarmNamePrefix: 'heliograph-prod-' },
      { AlarmNamePrefix: 'heliograph-prod-', NextToken: 'more' },
    ])
  })
})

test('the age of the oldest message is the latest that CloudWatch knows', async () => {
  const now = Date.parse('2030-06-15T10:17:23Z')
  const { client, inputs } = clientOf({
    MetricDataResults: [
      { Id: 'q1', Values: [42, 7] },
      { Id: 'q0', Values: [] },
    ],
  })
  const ages = await oldestMessages(client, ['a', 'b'], now)
  expect([...ages]).toEqual([['b', 42]])
  expect(inputs).toMatchObject([
    { ScanBy: 'TimestampDescending', MetricDataQueries: [{ Id: 'q0' }, { Id: 'q1' }] },
  ])
})
