import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  RegisterCertificateWithoutCACommand,
  ResourceAlreadyExistsException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { certificateIdOf } from '@heliograph/core/devices/activate'
import type { DeviceRegistry } from '@heliograph/core/ports'
import { unlessGone } from './patience.ts'

/** IoT Core's registry: a thing per device, its certificates, and the one policy on each. */
export function deviceRegistry(client: IoTClient, policyName: string): DeviceRegistry {
  /**
   * A thing to which the owner has given attributes or a type is refused as configured differently:
   * it exists.
   */
  async function makeThing(thingName: string): Promise<void> {
    try {
      await client.send(new CreateThingCommand({ thingName }))
    } catch (fault) {
      if (!(fault instanceof ResourceAlreadyExistsException)) throw fault
    }
  }

  async function register(certificatePem: string): Promise<string> {
    try {
      const made = await client.send(
        new RegisterCertificateWithoutCACommand({ certificatePem, status: 'ACTIVE' }),
      )
      return made.certificateArn ?? ''
    } catch (fault) {
      if (!(fault instanceof ResourceAlreadyExistsException)) throw fault
      return arnOf(certificateIdOf(certificatePem))
    }
  }

  async function arnOf(certificateId: string): Promise<string> {
    const { certificateDescription } = await client.send(
      new DescribeCertificateCommand({ certificateId }),
    )
    return certificateDescription?.certificateArn ?? ''
  }

  return {
    /**
     * The policy lets a certificate connect only as the thing to which it is attached, so an
     * incomplete registration cannot connect. The certificate is registered as active right away: a
     * right to change the status of one certificate would be a right to change every certificate in
     * the account.
     */
    async admit(deviceId, certificate) {
      await makeThing(deviceId)
      const arn = await register(certificate)
      await client.send(new AttachPolicyCommand({ policyName, target: arn }))
      await client.send(
        new AttachThingPrincipalCommand({
          thingName: deviceId,
          principal: arn,
          thingPrincipalType: 'EXCLUSIVE_THING',
        }),
      )
    },

    /** From the thing last: until then a repeated call still finds the certificate there. */
    async retire(deviceId, certificateId) {
      await unlessGone(async () => {
        const arn = await arnOf(certificateId)
        await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' }))
        await unlessGone(() => client.send(new DetachPolicyCommand({ policyName, target: arn })))
        await client.send(new DetachThingPrincipalCommand({ thingName: deviceId, principal: arn }))
      })
    },
  }
}
