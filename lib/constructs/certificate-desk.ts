import { Stack } from 'aws-cdk-lib'
import { variable } from '../../lambdas/settings.ts'
import type { StageProps } from '../stage.ts'
import type { DevicePolicy } from './device-policy.ts'
import type { FamilyPermission, HeliographFunction } from './function.ts'
import type { Stores } from './stores.ts'
import type { Vault } from './vault.ts'

/** Device ids have 16 characters, and no stage in them: this keeps away from things of other names. */
const ANY_DEVICE = '?'.repeat(16)

export interface CertificateDeskProps {
  readonly stage: StageProps
  readonly stores: Stores
  readonly vault: Vault
  readonly policy: DevicePolicy
}

/** What activate and renew share: signing a device certificate and making IoT Core know it. */
export class CertificateDesk {
  readonly #props: CertificateDeskProps

  constructor(props: CertificateDeskProps) {
    this.#props = props
  }

  /** Permits issuing certificates to devices, and making the thing that represents one. */
  grantIssue(grantee: HeliographFunction): void {
    const { stage, stores, vault, policy } = this.#props
    grantee.set(variable.deviceCertificateDays, String(stage.deviceCertificateDays))
    policy.tell(grantee)
    stores.devices.grant(grantee, 'GetItem', 'PutItem', 'UpdateItem')
    stores.authorities.grant(grantee, 'GetItem')
    vault.deviceAuthority.grant(grantee, 'Sign')
    grantee.allowFamily({
      actions: ['iot:RegisterCertificateWithoutCA'],
      resource: '*',
      reason: 'IAM knows no resource for it: the certificate is not there yet',
    })
    grantee.allowFamily({
      actions: ['iot:AttachPolicy', 'iot:DescribeCertificate'],
      resource: iotArn(grantee, 'cert', '*'),
      reason: 'IoT Core names a certificate after its content, when it is registered',
    })
    grantee.allowFamily(onThings(grantee, 'iot:AttachThingPrincipal'))
    grantee.allowFamily({
      actions: ['iot:CreateThing'],
      resource: iotArn(grantee, 'thing', ANY_DEVICE),
      reason: 'A thing is named after its device, whose id is drawn at activation',
    })
  }

  /**
   * Permits ending certificates. IAM cannot tell those of one service from another's in the account,
   * so that the function which anyone can call does not have it.
   */
  grantRetire(grantee: HeliographFunction): void {
    grantee.allowFamily({
      actions: ['iot:DetachPolicy', 'iot:UpdateCertificate'],
      resource: iotArn(grantee, 'cert', '*'),
      reason: 'IoT Core names a certificate after its content, when it is registered',
    })
    grantee.allowFamily(onThings(grantee, 'iot:DetachThingPrincipal'))
  }
}

/** IAM asks for the certificate as resource, and knows the thing as a condition. */
function onThings(grantee: HeliographFunction, action: string): FamilyPermission {
  return {
    actions: [action],
    resource: iotArn(grantee, 'cert', '*'),
    conditions: { ArnLike: { 'iot:thingArn': iotArn(grantee, 'thing', ANY_DEVICE) } },
    reason: 'IoT Core names a certificate after its content, when it is registered',
  }
}

function iotArn(grantee: HeliographFunction, resource: string, resourceName: string): string {
  return Stack.of(grantee).formatArn({ service: 'iot', resource, resourceName })
}
