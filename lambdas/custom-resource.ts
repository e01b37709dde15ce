import { request } from 'node:https'
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
