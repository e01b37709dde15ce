import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { expect, it } from 'vitest'
import { sharing } from './shared-target.ts'
import { clientOptions, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target

sharing.beforeAll(({ target: shared }) => {
  target = shared
})

it('the daily look at the certificates finds all three, valid for twenty years', async () => {
  const lambda = new LambdaClient(clientOptions(target))
  const outputs = target.cloud.stackOutputs()[`Heliograph-${target.stage}-Operations`] ?? {}
  const { FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: outputs.InspectFunction }),
  )
  expect(FunctionError).toBeUndefined()
  for (const certificate of ['provider-authority', 'device-authority', 'truststore']) {
    const line = await until(() => target.logs.find((text) => text.includes(`"${certificate}"`)))
    // JSON as a whole behind the function's name: a metric filter reads no other
    const { daysLeft } = JSON.parse(line.slice(line.indexOf(': ') + 2)) as { daysLeft: number }
    expect(daysLeft).toBeGreaterThan(7_000)
  }
  lambda.destroy()
})
