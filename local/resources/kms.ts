import { type ResourceType, stableId } from './resource-type.ts'

const key: ResourceType = {
  type: 'AWS::KMS::Key',
  uses: ['KeySpec', 'KeyUsage', 'Description', 'Enabled', 'KeyPolicy'],
  ignores: [
    'BypassPolicyLockoutSafetyCheck',
    'EnableKeyRotation',
    'MultiRegion',
    'Origin',
    'PendingWindowInDays',
    'RotationPeriodInDays',
    'Tags',
  ],
  make: async (resource, cloud) => {
    const { values } = resource.properties
    const { keyId, arn } = await cloud.kms.createKey(stableId(resource), { ...values })
    return { ref: keyId, attributes: { Arn: arn, KeyId: keyId } }
  },
}

const alias: ResourceType = {
  type: 'AWS::KMS::Alias',
  uses: ['AliasName', 'TargetKeyId'],
  make: async ({ properties }, cloud) => {
    const name = properties.text('AliasName')
    await cloud.kms.createAlias(name, properties.text('TargetKeyId'))
    return { ref: name }
  },
}

export const kmsTypes: readonly ResourceType[] = [key, alias]
