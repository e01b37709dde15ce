import { request } from 'node:https'
import { faultFields, type Log } from '@heliograph/aws/log'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'

export interface Made {
  readonly physicalId: string
  /** What `Fn::GetAtt` reads. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** `later`: another invocation continues the work and answers. */
export type Lifecycle = (event: CloudFormationCustomResourceEvent) => Promise<Made | 'later'>

/**
 * Answers CloudFormation at the event's ResponseURL, also when the work fails: without an answer a
 * deployment hangs until its time-out (AWS: "Custom resource request objects").
 */
export function customResource(work: Lifecycle, log: Log) {
  return async (event: CloudFormationCustomResourceEvent): Promise<void> => {
    const answer = await attempt(work, event, log)
    if (answer === 'later') return
    const { RequestId, LogicalResourceId, StackId } = event
    const body = JSON.stringify({ RequestId, LogicalResourceId, StackId, ...answer })
    await put(event.ResponseURL, body)
  }
}

/** S3's pre-signed URL is signed for an empty content type. */
function put(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': '', 'content-length': Buffer.byteLength(body) }
    const call = request(url, { method: 'PUT', headers }, (response) => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`CloudFormation did not take the answer: ${response.statusCode}`))
    })
    call.on('error', reject)
    call.end(body)
  })
}

async function attempt(work: Lifecycle, event: CloudFormationCustomResourceEvent, log: Log) {
  try {
    const made = await work(event)
    if (made === 'later') return made
    const { physicalId, attributes = {} } = made
    return { Status: 'SUCCESS', PhysicalResourceId: physicalId, Data: attributes }
  } catch (fault) {
    log.error('custom resource failed', { resource: event.ResourceType, ...faultFields(fault) })
    return refusal(event, fault)
  }
}

/**
 * Bytes of a reason: CloudFormation takes no answer of more than 4,096 bytes in total, and would
 * then wait for one that never comes. The ids next to it take at most 1,700 (CloudFormation quotas,
 * "Custom resource response").
 */
const MOST_REASON_BYTES = 2_000

/** What CloudFormation is told of work that failed. */
export function refusal(event: CloudFormationCustomResourceEvent, fault: unknown) {
  const PhysicalResourceId =
    'PhysicalResourceId' in event ? event.PhysicalResourceId : event.LogicalResourceId
  const reason = fault instanceof Error ? fault.message : 'unknown fault'
  const Reason = Buffer.from(reason).subarray(0, MOST_REASON_BYTES).toString()
  return { Status: 'FAILED', PhysicalResourceId, Reason }
}
