import { withoutDirectMessages } from '@heliograph/aws/direct-message-probe'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import type { Made } from '../custom-resource.ts'

export interface EndpointPorts {
  readonly region: string
  /** Host name of the data endpoint, perhaps with a port. */
  find(): Promise<string | undefined>
  /** Undefined if direct messages can be sent there, otherwise the answer. */
  probe(address: string): Promise<string | undefined>
}

/**
 * The account's own data endpoint, for which CloudFormation has no attribute. A new stage is
 * refused if IoT Core does not support direct messages, because it would deliver nothing. A stage
 * that is already deployed is not checked again, so that no rollback depends on the answer.
 */
export async function findEndpoint(
  event: CloudFormationCustomResourceEvent,
  { region, find, probe }: EndpointPorts,
): Promise<Made> {
  if (event.RequestType === 'Delete') return { physicalId: event.PhysicalResourceId }
  const address = await find()
  if (!address) throw new Error('IoT Core named no data endpoint')
  const answer = event.RequestType === 'Create' ? await probe(address) : undefined
  if (answer !== undefined) throw new Error(withoutDirectMessages(region, answer))
  return { physicalId: address, attributes: { Address: address } }
}
