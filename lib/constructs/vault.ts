import { KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import type { StageProps } from '../stage.ts'
import { VaultKey } from './vault-key.ts'

/** The three keys that all trust rests on. */
export class Vault extends Construct {
  readonly providerAuthority: VaultKey
  readonly deviceAuthority: VaultKey
  readonly tokenWrap: VaultKey

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.providerAuthority = new VaultKey(this, 'ProviderAuthority', stage, {
      name: 'provider-ca',
      purpose: 'signs the certificates of providers',
      variable: variable.providerAuthorityKey,
      spec: KeySpec.RSA_2048,
      ...signing,
    })
    this.deviceAuthority = new VaultKey(this, 'DeviceAuthority', stage, {
      name: 'device-ca',
      purpose: 'signs the certificates of devices',
      variable: variable.deviceAuthorityKey,
      spec: KeySpec.ECC_NIST_P256,
      ...signing,
    })
    this.tokenWrap = new VaultKey(this, 'TokenWrap', stage, {
      name: 'token-wrap',
      purpose: 'wraps the keys that device tokens are made with',
      variable: variable.tokenWrapKey,
      spec: KeySpec.SYMMETRIC_DEFAULT,
      usage: KeyUsage.ENCRYPT_DECRYPT,
      actions: [
        'Decrypt',
        'GenerateDataKeyWithoutPlaintext',
        ...(stage.takesTokenKeys ? (['Encrypt'] as const) : []),
      ],
      rotates: true,
    })
  }
}

/** KMS cannot rotate a signing key: its certificate would no longer fit. */
const signing = {
  usage: KeyUsage.SIGN_VERIFY,
  actions: ['GetPublicKey', 'Sign', 'Verify'],
  rotates: false,
} as const
