import { afterAll, beforeAll, describe } from 'vitest'
import { signedHeaders } from '../../e2e/sigv4.ts'
import { startTarget } from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { ask } from '../ask.ts'
import { openFor } from '../open.ts'

let target: Target

beforeAll(async () => {
  target = await startTarget()
})

afterAll(() => target?.close())

interface Page {
  readonly ResourceTagMappingList: readonly { readonly ResourceARN: string }[]
  readonly PaginationToken?: string
}

describe.runIf(process.env.TARGET === 'aws')('cost tags', () => {
  ask(
    'Which resources carry the tag heliograph:stage, by which costs can be told apart?',
    {
      expected: 'dynamodb, sqs, lambda, kms, s3, logs, iot, apigateway …',
      matches: /dynamodb.*lambda/,
    },
    async () => {
      const counts = new Map<string, number>()
      for await (const arn of tagged()) {
        const service = arn.split(':')[2] ?? arn
        counts.set(service, (counts.get(service) ?? 0) + 1)
      }
      const sorted = [...counts].sort(([a], [b]) => a.localeCompare(b))
      return sorted.map(([service, count]) => `${service} ${count}`).join(', ')
    },
  )

  async function* tagged(): AsyncGenerator<string> {
    let token = ''
    do {
      const page = await getResources(token)
      for (const { ResourceARN } of page.ResourceTagMappingList) yield ResourceARN
      token = page.PaginationToken ?? ''
    } while (token)
  }

  async function getResources(PaginationToken: string): Promise<Page> {
    const deployment = await openFor(target)
    const { config } = deployment.clients.cloudFormation
    const { region } = target.cloud.identity
    const TagFilters = [{ Key: 'heliograph:stage', Values: [target.stage] }]
    const call = {
      url: new URL(`https://tagging.${region}.amazonaws.com/`),
      region,
      service: 'tagging',
      operation: 'ResourceGroupsTaggingAPI_20170126.GetResources',
      body: JSON.stringify({ TagFilters, ...(PaginationToken && { PaginationToken }) }),
    }
    const headers = signedHeaders(call, await config.credentials(), new Date())
    deployment.close()
    const answer = await fetch(call.url, { method: 'POST', headers, body: call.body })
    if (!answer.ok)
      throw new Error(`the tagging service answers ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as Page
  }
})
