import { certificateSettings, troubleOf } from '@heliograph/core/trust/domain-certificate'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { expect, test } from 'vitest'
import { refusal } from '../../lambdas/custom-resource.ts'

/** CloudFormation quotas, "Custom resource response": bytes of the whole answer. */
const MOST_BYTES = 4_096

const event = {
  RequestType: 'Update',
  RequestId: 'f'.repeat(36),
  LogicalResourceId: 'x'.repeat(255),
  PhysicalResourceId: 'x'.repeat(1_024),
  StackId: `arn:aws-us-gov:cloudformation:ap-southeast-1:111111111111:stack/${'x'.repeat(128)}/${'f'.repeat(36)}`,
} as CloudFormationCustomResourceEvent

function answerTo(fault: unknown): string {
  const { RequestId, LogicalResourceId, StackId } = event
  return JSON.stringify({ RequestId, LogicalResourceId, StackId, ...refusal(event, fault) })
}

test.each([
  ['a short one', 'no'],
  ['a long one', 'x'.repeat(10_000)],
  ['a long one in another script', 'あ'.repeat(10_000)],
])('a deployment hears why it failed, by %s', (_what, reason) => {
  const answer = answerTo(new Error(reason))
  expect(Buffer.byteLength(answer)).toBeLessThanOrEqual(MOST_BYTES)
  expect(JSON.parse(answer)).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining(reason.slice(0, 600)),
  })
})

test('a certificate of a hundred names leaves room for what to do', () => {
  const names = Array.from({ length: 100 }, (_, index) => `${index}.${'x'.repeat(240)}.com`)
  const certificate = {
    ...{ status: 'ISSUED', type: 'AMAZON_ISSUED', names },
    ...{ end: undefined, renewable: true, renewal: undefined },
  }
  const subject = { domain: 'push.example.com', settings: certificateSettings }
  const sentence = troubleOf(certificate, subject, 0) ?? ''
  expect(sentence).toMatch(/ and 95 more and not for push\.example\.com: set -c certificateArn/)
  expect(refusal(event, new Error(sentence)).Reason).toBe(sentence)
})
