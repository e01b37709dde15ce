import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  RegisterCertificateWithoutCACommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { certificateIdOf, type DeviceRegistry } from '../core/activate.ts'
import type { DeviceId } from '../core/identifiers.ts'

/** IoT Core's registry: a thing per device, its certificates, and the one policy on each. */
export function deviceRegistry(client: IoTClient, policyName: string): DeviceRegistry {
  async function register(certificate: string): Promise<{ certificateId: string; arn: string }> {
    try {
      const made = await client.send(
        new RegisterCertificateWithoutCACommand({
          certificatePem: certificate,
          status: 'INACTIVE',
        }),
      )
      return { certificateId: made.certificateId ?? '', arn: made.certificateArn ?? '' }
    } catch (fault) {
      if (!(fault instanceof ResourceAlreadyExistsException)) throw fault
      return describe(certificateIdOf(certificate))
    }
  }

  async function describe(certificateId: string): Promise<{ certificateId: string; arn: string }> {
    const { certificateDescription } = await client.send(
      new DescribeCertificateCommand({ certificateId }),
    )
    return { certificateId, arn: certificateDescription?.certificateArn ?? '' }
  }

  async function deactivate(
    deviceId: DeviceId,
    certificateId: string,
    status: 'INACTIVE' | 'REVOKED',
  ) {
    const { arn } = await describe(certificateId)
    await client.send(new UpdateCertificateCommand({ certificateId, newStatus: status }))
    await client.send(new DetachThingPrincipalCommand({ thingName: deviceId, principal: arn }))
    await client.send(new DetachPolicyCommand({ policyName, target: arn }))
  }

  return {
    /** Active only as the last step: until then nothing half-made can connect. */
    async admit(deviceId, certificate) {
      await client.send(new CreateThingCommand({ thingName: deviceId }))
      const { certificateId, arn } = await register(certificate)
      await client.send(new AttachPolicyCommand({ policyName, target: arn }))
      await client.send(
        new AttachThingPrincipalCommand({
          thingName: deviceId,
          principal: arn,
          thingPrincipalType: 'EXCLUSIVE_THING',
        }),
      )
      await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' }))
      return { certificateId }
    },

    async withdraw(deviceId, certificate) {
      const certificateId = certificateIdOf(certificate)
      await unlessGone(() => deactivate(deviceId, certificateId, 'INACTIVE'))
      await unlessGone(() => client.send(new DeleteCertificateCommand({ certificateId })))
      await unlessGone(() => client.send(new DeleteThingCommand({ thingName: deviceId })))
    },

    async retire(deviceId, certificateId) {
      await unlessGone(() => deactivate(deviceId, certificateId, 'REVOKED'))
    },
  }
}

async function unlessGone(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (fault) {
    if (!(fault instanceof ResourceNotFoundException)) throw fault
  }
}
