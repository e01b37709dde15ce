import { AwsError } from '../../answer.ts'
import { invalidRequest, resourceNotFound } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Attachment, Certificate, Thing } from '../registry.ts'
import { type Call, type Operation, pageOf } from '../rest.ts'
import { type ControlPlane, certificateByArn, thingByName } from './directory.ts'

/** Which certificate belongs to which thing, and which policies it has. */
export function attachmentOperations(plane: ControlPlane): Operation[] {
  return [...thingAttachments(plane), ...policyAttachments(plane)]
}

function thingAttachments(plane: ControlPlane): Operation[] {
  const path = '/things/{thingName}/principals'
  const thingArn = (call: Call) => plane.authority.arn('thing', call.param('thingName'))
  return [
    {
      name: 'AttachThingPrincipal',
      method: 'PUT',
      path,
      resource: principalOf,
      context: (call) => ({ 'iot:thingArn': thingArn(call) }),
      run: (call) => attachThing(plane, call),
    },
    {
      name: 'DetachThingPrincipal',
      method: 'DELETE',
      path,
      resource: principalOf,
      context: (call) => ({ 'iot:thingArn': thingArn(call) }),
      run: (call) => detachThing(plane, call),
    },
    {
      name: 'ListThingPrincipals',
      method: 'GET',
      path,
      resource: thingArn,
      run: (call) => {
        const { certificates } = thingByName(plane, call.param('thingName'))
        const arns = Object.keys(certificates).map((id) => plane.authority.arn('cert', id))
        const { page, next } = pageOf(
          arns,
          call.query.get('nextToken'),
          call.query.get('maxResults'),
        )
        return { principals: page, nextToken: next }
      },
    },
    {
      name: 'ListPrincipalThings',
      method: 'GET',
      path: '/principals/things',
      resource: principalOf,
      run: (call) => {
        const { id } = certificateByArn(plane, principalOf(call))
        const names = plane.registry.thingsOf(id).map(({ name }) => name)
        const { page, next } = pageOf(
          names,
          call.query.get('nextToken'),
          call.query.get('maxResults'),
        )
        return { things: page, nextToken: next }
      },
    },
  ]
}

function principalOf(call: Call): string {
  const arn = call.header('x-amzn-principal')
  if (arn === undefined) throw invalidRequest('The header x-amzn-principal is missing.')
  return arn
}

function attachThing(plane: ControlPlane, call: Call): object {
  const type = call.query.get('thingPrincipalType') ?? 'NON_EXCLUSIVE_THING'
  if (type !== 'EXCLUSIVE_THING' && type !== 'NON_EXCLUSIVE_THING')
    throw invalidRequest('thingPrincipalType is EXCLUSIVE_THING or NON_EXCLUSIVE_THING.')
  const thing = thingByName(plane, call.param('thingName'))
  const certificate = certificateByArn(plane, principalOf(call))
  checkExclusive(plane, thing, certificate, type)
  plane.registry.saveThing({
    ...thing,
    certificates: { ...thing.certificates, [certificate.id]: type },
  })
  return {}
}

/** A certificate that belongs to one thing exclusively belongs to no other. */
function checkExclusive(
  { registry }: ControlPlane,
  thing: Thing,
  { id }: Certificate,
  type: Attachment,
): void {
  const others = registry.thingsOf(id).filter(({ name }) => name !== thing.name)
  const taken =
    type === 'EXCLUSIVE_THING'
      ? others[0]
      : others.find(({ certificates }) => certificates[id] === 'EXCLUSIVE_THING')
  if (taken !== undefined)
    throw invalidRequest(`The certificate is attached to the thing ${taken.name}; detach it first.`)
}

function detachThing(plane: ControlPlane, call: Call): object {
  const thing = thingByName(plane, call.param('thingName'))
  const { id } = certificateByArn(plane, principalOf(call))
  const { [id]: detached, ...certificates } = thing.certificates
  if (detached === undefined)
    throw resourceNotFound(`The certificate is not attached to the thing ${thing.name}.`)
  plane.registry.saveThing({ ...thing, certificates })
  plane.departures.note(plane.authority.arn('thing', thing.name), plane.authority.arn('cert', id))
  return {}
}

function policyAttachments(plane: ControlPlane): Operation[] {
  const path = '/target-policies/{policyName}'
  return [
    {
      name: 'AttachPolicy',
      method: 'PUT',
      path,
      resource: targetOf,
      run: (call) => attachPolicy(plane, call),
    },
    {
      name: 'DetachPolicy',
      method: 'POST',
      path,
      resource: targetOf,
      run: (call) => detachPolicy(plane, call),
    },
    {
      name: 'ListAttachedPolicies',
      method: 'POST',
      path: '/attached-policies/{target}',
      resource: (call) => call.param('target'),
      run: (call) => listPolicies(plane, call.param('target'), call.query),
    },
    {
      name: 'ListPrincipalPolicies',
      method: 'GET',
      path: '/principal-policies',
      resource: (call) => call.header('x-amzn-iot-principal') ?? '*',
      run: (call) => listPolicies(plane, call.header('x-amzn-iot-principal') ?? '', call.query),
    },
  ]
}

function targetOf(call: Call): string {
  const { target } = call.json()
  if (typeof target !== 'string') throw invalidRequest('target is missing.')
  return target
}

/** Attaching something that is already attached succeeds. */
function attachPolicy(plane: ControlPlane, call: Call): object {
  const name = call.param('policyName')
  const certificate = certificateByArn(plane, targetOf(call))
  if (!plane.authority.hasPolicy(name)) throw resourceNotFound(`There is no IoT policy ${name}.`)
  if (certificate.policies.includes(name)) return {}
  if (certificate.policies.length >= limits.policiesPerCertificate)
    throw new AwsError(
      'LimitExceededException',
      `A certificate has at most ${limits.policiesPerCertificate} policies.`,
      410,
    )
  plane.registry.saveCertificate({ ...certificate, policies: [...certificate.policies, name] })
  return {}
}

function detachPolicy(plane: ControlPlane, call: Call): object {
  const name = call.param('policyName')
  const certificate = certificateByArn(plane, targetOf(call))
  const policies = certificate.policies.filter((policy) => policy !== name)
  if (policies.length === certificate.policies.length) return {}
  plane.registry.saveCertificate({ ...certificate, policies })
  plane.departures.note(targetOf(call), plane.authority.arn('policy', name))
  return {}
}

function listPolicies(plane: ControlPlane, target: string, query: URLSearchParams): object {
  const policies = certificateByArn(plane, target).policies.map((policyName) => ({
    policyName,
    policyArn: plane.authority.arn('policy', policyName),
  }))
  const { page, next } = pageOf(policies, query.get('marker'), query.get('pageSize'))
  return { policies: page, nextMarker: next }
}
