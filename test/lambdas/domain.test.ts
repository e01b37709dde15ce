import type { DomainCertificate } from '@heliograph/core/trust/domain-certificate'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { describeCertificate } from '../../lambdas/domain/certificate.ts'
import { checkDomain } from '../../lambdas/domain/handler.ts'

const DAY_MS = 24 * 3600_000
const now = Date.parse('2027-01-01T12:00:00Z')
const domain = 'push.example.com'
const certificateArn = 'arn:aws:acm:eu-west-1:111111111111:certificate/4e6a-example'

const good: DomainCertificate = {
  status: 'ISSUED',
  type: 'AMAZON_ISSUED',
  names: [domain],
  end: now + 395 * DAY_MS,
  renewable: true,
  renewal: undefined,
}

describe('the check', () => {
  const ended = { ...good, end: now - DAY_MS }

  function check(RequestType: string, found: DomainCertificate | undefined) {
    const asked: string[] = []
    const event = {
      RequestType,
      PhysicalResourceId: 'as-before',
      ResourceProperties: { domain, certificateArn },
    } as unknown as CloudFormationCustomResourceEvent
    const describe = async (arn: string) => {
      asked.push(arn)
      return found
    }
    return { asked, done: checkDomain(event, { clock: { now: () => now }, describe }) }
  }

  test('asks for this certificate only', async () => {
    const { asked, done } = check('Create', good)
    expect(await done).toEqual({ physicalId: 'push.example.com-certificate' })
    expect(asked).toEqual([certificateArn])
  })

  test('ends the deployment with a sentence that names the certificate', async () => {
    await expect(check('Create', ended).done).rejects.toThrow(
      new RegExp(`^the certificate ${certificateArn} ends in -1 days`),
    )
  })

  test.each(['Update', 'Delete'])('lets a roll-back and a removal (%s) pass', async (type) => {
    const { asked, done } = check(type, ended)
    expect(await done).toEqual({ physicalId: 'as-before' })
    expect(asked).toEqual([])
  })
})

describe("ACM's answer", () => {
  /** As the SDK hands it over: ACM speaks JSON, with seconds for a time. */
  async function ask(status: number, body: object) {
    const { ACMClient } = await import('@aws-sdk/client-acm')
    const { createServer } = await import('node:http')
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const client = new ACMClient({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      maxAttempts: 1,
    })
    return describeCertificate(client)(certificateArn).finally(() => {
      client.destroy()
      server.close()
    })
  }

  test('is read', async () => {
    const Certificate = {
      DomainName: 'example.com',
      SubjectAlternativeNames: ['example.com', domain],
      Status: 'ISSUED',
      Type: 'AMAZON_ISSUED',
      NotAfter: now / 1000,
      RenewalEligibility: 'ELIGIBLE',
      RenewalSummary: { RenewalStatus: 'FAILED', RenewalStatusReason: 'CAA_ERROR' },
    }
    expect(await ask(200, { Certificate })).toEqual({
      status: 'ISSUED',
      type: 'AMAZON_ISSUED',
      names: ['example.com', domain],
      end: now,
      renewable: true,
      renewal: 'FAILED, CAA_ERROR',
    })
  })

  test('that there is none is no fault, and any other refusal is one', async () => {
    expect(await ask(400, { __type: 'ResourceNotFoundException' })).toBeUndefined()
    await expect(ask(400, { __type: 'AccessDeniedException' })).rejects.toThrow()
  })
})
