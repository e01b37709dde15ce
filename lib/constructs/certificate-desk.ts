import { Stack } from 'aws-cdk-lib'
import { variable } from '../../lambdas/settings.ts'
import type { StageProps } from '../stage.ts'
import type { DevicePolicy } from './device-policy.ts'
import type { HeliographFunction } from './function.ts'
import type { Stores } from './stores.ts'
import type { Vault } from './vault.ts'

/** Registering a certificate and attaching it, and taking both back when a step fails. */
const certificateActions = [
  'iot:AttachPolicy',
  'iot:AttachThingPrincipal',
  'iot:DeleteCertificate',
  'iot:DescribeCertificate',
  'iot:DetachPolicy',
  'iot:DetachThingPrincipal',
  'iot:UpdateCertificate',
] as const

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

  /** Permits issuing certificates to devices, and making the thing that stands for one. */
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
      actions: certificateActions,
      resource: iotArn(grantee, 'cert'),
      reason: 'IoT Core names a certificate after its content, when it is registered',
    })
    grantee.allowFamily({
      actions: ['iot:CreateThing', 'iot:DeleteThing'],
      resource: iotArn(grantee, 'thing'),
      reason: 'A thing is named after its device, whose id is drawn at activation',
    })
  }
}

function iotArn(grantee: HeliographFunction, resource: string): string {
  return Stack.of(grantee).formatArn({ service: 'iot', resource, resourceName: '*' })
}
