import { AwsError } from '../../answer.ts'
import { invalidRequest } from '../errors.ts'
import { type Certificate, type CertificateStatus, readCertificate } from '../registry.ts'
import { type Call, flag, type Operation, pageOf } from '../rest.ts'
import { type ControlPlane, certificateById } from './directory.ts'

/** Registering, describing, changing and deleting device certificates. */
export function certificateOperations(plane: ControlPlane): Operation[] {
  const resource = (call: Call) => plane.authority.arn('cert', call.param('certificateId'))
  const path = '/certificates/{certificateId}'
  return [
    {
      name: 'RegisterCertificateWithoutCA',
      method: 'POST',
      path: '/certificate/register-no-ca',
      run: (call) => register(plane, call),
    },
    {
      name: 'DescribeCertificate',
      method: 'GET',
      path,
      resource,
      run: (call) => ({
        certificateDescription: description(
          plane,
          certificateById(plane, call.param('certificateId')),
        ),
      }),
    },
    {
      name: 'UpdateCertificate',
      method: 'PUT',
      path,
      resource,
      run: (call) => update(plane, call),
    },
    {
      name: 'DeleteCertificate',
      method: 'DELETE',
      path,
      resource,
      run: (call) => remove(plane, call),
    },
    {
      name: 'ListCertificates',
      method: 'GET',
      path: '/certificates',
      run: ({ query }) => {
        const all = [...plane.registry.certificates()]
        const { page, next } = pageOf(all, query.get('marker'), query.get('pageSize'))
        return { certificates: page.map((one) => summary(plane, one)), nextMarker: next }
      },
    },
  ]
}

function register(plane: ControlPlane, call: Call): object {
  const { certificatePem, status = 'INACTIVE' } = call.json()
  if (typeof certificatePem !== 'string') throw invalidRequest('certificatePem is missing.')
  if (status !== 'ACTIVE' && status !== 'INACTIVE')
    throw invalidRequest('A certificate is registered as ACTIVE or INACTIVE.')
  const certificate = parsed(certificatePem, status, plane.now())
  const certificateArn = plane.authority.arn('cert', certificate.id)
  if (plane.registry.certificate(certificate.id) !== undefined) {
    throw new AwsError(
      'ResourceAlreadyExistsException',
      'The certificate is already registered.',
      409,
      { resourceId: certificate.id, resourceArn: certificateArn },
    )
  }
  plane.registry.saveCertificate(certificate)
  return { certificateArn, certificateId: certificate.id }
}

function parsed(pem: string, status: CertificateStatus, now: number): Certificate {
  try {
    return readCertificate(pem, status, now)
  } catch {
    throw new AwsError('CertificateValidationException', 'certificatePem is no certificate.', 400)
  }
}

/** A certificate leaves REVOKED no more; source: iot:revoke-ca-cert. */
function update(plane: ControlPlane, call: Call): undefined {
  const status = call.query.get('newStatus')
  if (status !== 'ACTIVE' && status !== 'INACTIVE' && status !== 'REVOKED')
    throw invalidRequest('newStatus is ACTIVE, INACTIVE or REVOKED.')
  const certificate = certificateById(plane, call.param('certificateId'))
  if (certificate.status === 'REVOKED' && status !== 'REVOKED')
    throw certificateState('A revoked certificate stays revoked.')
  plane.registry.saveCertificate({
    ...certificate,
    status,
    modifiedAt: plane.now(),
    version: certificate.version + 1,
  })
  if (status !== 'ACTIVE') plane.expel(certificate.id)
  return undefined
}

/** Source: API_DeleteCertificate: not while ACTIVE, not while attached to a thing; policies need forceDelete. */
function remove(plane: ControlPlane, call: Call): undefined {
  const certificate = certificateById(plane, call.param('certificateId'))
  if (certificate.status === 'ACTIVE')
    throw certificateState('The certificate is ACTIVE; make it INACTIVE or REVOKED first.')
  const attachedToThing = plane.registry.thingsOf(certificate.id).length > 0
  const attachedPolicies =
    certificate.policies.length > 0 && flag(call.query, 'forceDelete') !== true
  const departing = plane.departures.hold(plane.authority.arn('cert', certificate.id))
  if (attachedToThing || attachedPolicies || departing) {
    const what = attachedPolicies ? 'policies' : 'things'
    throw new AwsError('DeleteConflictException', `Detach its ${what} first.`, 409)
  }
  plane.registry.deleteCertificate(certificate.id)
  plane.expel(certificate.id)
  return undefined
}

function certificateState(message: string): AwsError {
  return new AwsError('CertificateStateException', message, 406)
}

function summary({ authority }: ControlPlane, certificate: Certificate): object {
  return {
    certificateArn: authority.arn('cert', certificate.id),
    certificateId: certificate.id,
    status: certificate.status,
    certificateMode: 'SNI_ONLY',
    creationDate: certificate.createdAt / 1000,
  }
}

function description(plane: ControlPlane, certificate: Certificate): object {
  return {
    ...summary(plane, certificate),
    certificatePem: certificate.pem,
    ownedBy: plane.accountId,
    lastModifiedDate: certificate.modifiedAt / 1000,
    customerVersion: certificate.version,
    validity: {
      notBefore: certificate.notBefore / 1000,
      notAfter: certificate.notAfter / 1000,
    },
  }
}
