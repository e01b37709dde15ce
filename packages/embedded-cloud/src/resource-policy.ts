import { allows } from './policy.ts'
import type { PolicyDocument, PolicyStatement } from './types.ts'

/** A statement of a resource's policy: it says whom it is about, too. */
export interface ResourceStatement extends PolicyStatement {
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>
}

export interface ServiceRequestOnResource {
  /** For example `cloudwatch.amazonaws.com`. */
  readonly service: string
  readonly action: string
  readonly resource: string
  /** On whose behalf the service asks: `aws:SourceArn`. */
  readonly sourceArn: string
  readonly accountId: string
}

/** Whether the policy of a resource lets a service of AWS do something with it; there is no other way for a service. */
export function allowsService(
  { Statement, ...rest }: PolicyDocument,
  { service, action, resource, sourceArn, accountId }: ServiceRequestOnResource,
): boolean {
  const about = ([Statement].flat() as ResourceStatement[])
    .filter(({ Principal }) => names(Principal, service))
    .map(({ Principal: _, ...statement }) => statement)
  return allows([{ ...rest, Statement: about }], {
    action,
    resource,
    context: {
      'aws:SourceAccount': accountId,
      'aws:SourceOwner': accountId,
      'aws:SourceArn': sourceArn,
      'aws:SecureTransport': 'true',
    },
  })
}

function names(principal: ResourceStatement['Principal'], service: string): boolean {
  if (principal === undefined || principal === '*') return principal === '*'
  const named = [principal.Service ?? [], principal.AWS === '*' ? '*' : []].flat()
  return named.includes(service) || named.includes('*')
}
