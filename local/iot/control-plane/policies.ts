import { AwsError } from '../../answer.ts'
import type { Call, Operation } from '../rest.ts'
import type { ControlPlane } from './directory.ts'

/** Reading what the templates define; policies are made and changed by stacks alone. */
export function policyOperations(plane: ControlPlane): Operation[] {
  const path = '/policies/{policyName}'
  const resource = (call: Call) => plane.authority.arn('policy', call.param('policyName'))
  return [{ name: 'GetPolicy', method: 'GET', path, resource, run: (call) => get(plane, call) }]
}

/** Source: https://docs.aws.amazon.com/iot/latest/apireference/API_GetPolicy.html */
function get(plane: ControlPlane, call: Call): object {
  const name = call.param('policyName')
  const document = plane.authority.policy(name)
  if (!document)
    throw new AwsError('ResourceNotFoundException', `There is no IoT policy ${name}.`, 404)
  const policyDocument = JSON.stringify(document)
  const policyArn = plane.authority.arn('policy', name)
  return { policyName: name, policyArn, policyDocument, defaultVersionId: '1' }
}
