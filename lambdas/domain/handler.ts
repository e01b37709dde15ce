import type { Clock } from '@heliograph/core/ports'
import {
  certificateSettings,
  type DomainCertificate,
  tokenSettings,
  troubleOf,
} from '@heliograph/core/trust/domain-certificate'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import type { Made } from '../custom-resource.ts'

export interface DomainPorts {
  readonly clock: Clock
  /** Undefined if ACM has no such certificate in this account and region. */
  describe(arn: string): Promise<DomainCertificate | undefined>
}

/**
 * Looks at a certificate once, before the domain gets it. The resource is a new one for every other
 * certificate, so a deployment that is rolled back never asks again for the one that was in use.
 * @throws a sentence for the operator, which CloudFormation shows and ends the deployment with.
 */
export async function checkDomain(
  event: CloudFormationCustomResourceEvent,
  { clock, describe }: DomainPorts,
): Promise<Made> {
  if (event.RequestType !== 'Create') return { physicalId: event.PhysicalResourceId }
  const { domain, certificateArn: arn, kind = 'certificates' } = event.ResourceProperties
  const subject = { domain, settings: kind === 'tokens' ? tokenSettings : certificateSettings }
  const trouble = troubleOf(await describe(arn), subject, clock.now())
  if (trouble) throw new Error(`the certificate ${arn} ${trouble}`)
  return { physicalId: `${domain}-certificate` }
}
