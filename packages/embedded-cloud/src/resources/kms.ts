import { stableId } from './resource.ts'
import type { ResourceType } from './resource-type.ts'

const key: ResourceType = {
  type: 'AWS::KMS::Key',
  uses: ['KeySpec', 'KeyUsage', 'Description', 'Enabled', 'KeyPolicy', 'PendingWindowInDays'],
  ignores: [
    'BypassPolicyLockoutSafetyCheck',
    'EnableKeyRotation',
    'MultiRegion',
    'Origin',
    'RotationPeriodInDays',
    'Tags',
  ],
  make: async (resource, cloud) => {
    const { values } = resource.properties
    const { keyId, arn } = await cloud.kms.createKey(stableId(resource), { ...values })
    return { ref: keyId, attributes: { Arn: arn, KeyId: keyId } }
  },
  remove: (resource, _made, cloud) =>
    cloud.kms.scheduleKeyDeletion(
      stableId(resource),
      resource.properties.optionalNumber('PendingWindowInDays') ?? 30,
    ),
}

const alias: ResourceType = {
  type: 'AWS::KMS::Alias',
  uses: ['AliasName', 'TargetKeyId'],
  make: async ({ properties }, cloud) => {
    const name = properties.text('AliasName')
    await cloud.kms.createAlias(name, properties.text('TargetKeyId'))
    return { ref: name }
  },
  remove: (_resource, { ref }, cloud) => cloud.kms.deleteAlias(ref),
}

export const kmsTypes: readonly ResourceType[] = [key, alias]
