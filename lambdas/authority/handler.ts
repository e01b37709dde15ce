import { type AuthorityPorts, makeAuthority } from '@heliograph/core/trust/authority'
import {
  chooseTruststore,
  publishAuthority,
  type TruststorePorts,
} from '@heliograph/core/trust/truststore'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import type { Made } from '../custom-resource.ts'

export type AuthorityHandlerPorts = AuthorityPorts & TruststorePorts

/** The resource is a CA, or the version of the truststore that the provider domain reads. */
export function authorityHandler(ports: AuthorityHandlerPorts) {
  return (event: CloudFormationCustomResourceEvent): Promise<Made> =>
    'truststore' in event.ResourceProperties ? truststoreOf(event, ports) : caOf(event, ports)
}

async function caOf(
  { RequestType, ResourceProperties }: CloudFormationCustomResourceEvent,
  ports: AuthorityHandlerPorts,
): Promise<Made> {
  const { authority: name, removal } = ResourceProperties
  if (name !== 'provider' && name !== 'device') throw new Error('authority is provider or device')
  const physicalId = `${ports.stage}-${name}-authority`
  if (RequestType === 'Delete') {
    // a stage that keeps its data keeps its bucket, and this function may not delete there
    if (name === 'provider' && removal === 'destroy') await ports.truststore.clear()
    return { physicalId }
  }
  const authority = await makeAuthority(name, ports)
  if (name === 'device') return { physicalId }
  const { key, version } = await publishAuthority(authority, ports)
  return { physicalId, attributes: { TruststoreKey: key, TruststoreVersion: version } }
}

/** Another choice is another resource, so that no roll-back asks again. */
async function truststoreOf(
  event: CloudFormationCustomResourceEvent,
  ports: AuthorityHandlerPorts,
): Promise<Made> {
  if (event.RequestType !== 'Create') return { physicalId: event.PhysicalResourceId }
  return { physicalId: await chooseTruststore(event.ResourceProperties.truststore, ports) }
}
