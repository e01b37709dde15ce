import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { faultFields, type Log } from '../aws/log.ts'

export interface Made {
  readonly physicalId: string
  /** What `Fn::GetAtt` reads. */
  readonly attributes?: Readonly<Record<string, string>>
}

export type Lifecycle = (event: CloudFormationCustomResourceEvent) => Promise<Made>

/**
 * Answers CloudFormation at the event's ResponseURL, also when the work fails: without an answer a
 * deployment hangs until its time-out (AWS: "Custom resource request objects").
 */
export function customResource(work: Lifecycle, log: Log) {
  return async (event: CloudFormationCustomResourceEvent): Promise<void> => {
    const answer = await attempt(work, event, log)
    const { RequestId, LogicalResourceId, StackId } = event
    const body = JSON.stringify({ RequestId, LogicalResourceId, StackId, ...answer })
    const { ok, status } = await fetch(event.ResponseURL, {
      method: 'PUT',
      body,
      // S3's pre-signed URL is signed for an empty content type
      headers: { 'content-type': '' },
    })
    if (!ok) throw new Error(`CloudFormation did not take the answer: ${status}`)
  }
}

async function attempt(work: Lifecycle, event: CloudFormationCustomResourceEvent, log: Log) {
  try {
    const { physicalId, attributes = {} } = await work(event)
    return { Status: 'SUCCESS', PhysicalResourceId: physicalId, Data: attributes }
  } catch (fault) {
    log.error('custom resource failed', { resource: event.ResourceType, ...faultFields(fault) })
    const PhysicalResourceId =
      'PhysicalResourceId' in event ? event.PhysicalResourceId : event.LogicalResourceId
    const Reason = fault instanceof Error ? fault.message : 'unknown fault'
    return { Status: 'FAILED', PhysicalResourceId, Reason }
  }
}
