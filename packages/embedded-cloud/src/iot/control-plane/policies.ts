import { AwsError } from '../../answer.ts'
import { resourceNotFound } from '../errors.ts'
import { type Call, type Operation, pageOf } from '../rest.ts'
import type { ControlPlane } from './directory.ts'

/** Reading and deleting what the templates define; policies are made and changed by stacks alone. */
export function policyOperations(plane: ControlPlane): Operation[] {
  const path = '/policies/{policyName}'
  const resource = (call: Call) => plane.authority.arn('policy', call.param('policyName'))
  return [
    { name: 'GetPolicy', method: 'GET', path, resource, run: (call) => get(plane, call) },
    {
      name: 'DeletePolicy',
      method: 'DELETE',
      path,
      resource,
      run: (call) => {
        deletePolicy(plane, call.param('policyName'))
        return undefined
      },
    },
    {
      name: 'ListPolicyVersions',
      method: 'GET',
      path: `${path}/version`,
      resource,
      run: (call) => {
        demandPolicy(plane, call.param('policyName'))
        return { policyVersions: [{ versionId: '1', isDefaultVersion: true }] }
      },
    },
    {
      name: 'ListTargetsForPolicy',
      method: 'POST',
      path: '/policy-targets/{policyName}',
      resource,
      run: (call) => listTargets(plane, call),
    },
  ]
}

/** Source: API_DeletePolicy: refused while any certificate has it. Throws ResourceNotFoundException. */
export function deletePolicy(plane: ControlPlane, name: string): void {
  demandPolicy(plane, name)
  const held = targetsOf(plane, name).length > 0
  if (held || plane.departures.hold(plane.authority.arn('policy', name)))
    throw new AwsError(
      'DeleteConflictException',
      `The policy cannot be deleted as the policy is attached to one or more principals (name=${name})`,
      409,
    )
  plane.authority.deletePolicy(name)
}

function targetsOf({ registry, authority }: ControlPlane, name: string): string[] {
  return [...registry.certificates()]
    .filter(({ policies }) => policies.includes(name))
    .map(({ id }) => authority.arn('cert', id))
}

/** Source: https://docs.aws.amazon.com/iot/latest/apireference/API_ListTargetsForPolicy.html */
function listTargets(plane: ControlPlane, call: Call): object {
  const name = call.param('policyName')
  demandPolicy(plane, name)
  const targets = targetsOf(plane, name)
  const { page, next } = pageOf(targets, call.query.get('marker'), call.query.get('pageSize'))
  return { targets: page, nextMarker: next }
}

function demandPolicy({ authority }: ControlPlane, name: string): void {
  if (!authority.hasPolicy(name)) throw resourceNotFound(`There is no IoT policy ${name}.`)
}

/** Source: https://docs.aws.amazon.com/iot/latest/apireference/API_GetPolicy.html */
function get(plane: ControlPlane, call: Call): object {
  const name = call.param('policyName')
  const document = plane.authority.policy(name)
  if (!document) throw resourceNotFound(`There is no IoT policy ${name}.`)
  const policyDocument = JSON.stringify(document)
  const policyArn = plane.authority.arn('policy', name)
  return { policyName: name, policyArn, policyDocument, defaultVersionId: '1' }
}
