import { physicalName } from './resource.ts'
import type { ResourceType } from './resource-type.ts'

const longestName = 63

const bucket: ResourceType = {
  type: 'AWS::S3::Bucket',
  uses: ['BucketName', 'VersioningConfiguration'],
  // Encryption, access logs, retention and public access mean nothing on this machine.
  ignores: [
    'AccessControl',
    'BucketEncryption',
    'LifecycleConfiguration',
    'LoggingConfiguration',
    'OwnershipControls',
    'PublicAccessBlockConfiguration',
    'Tags',
  ],
  make: async (resource, cloud) => {
    const { properties } = resource
    const made = physicalName(resource, longestName).toLowerCase()
    const name = properties.optionalText('BucketName') ?? made
    const { arn } = await cloud.s3.createBucket(name, properties.values)
    const { region } = cloud.identity
    return {
      ref: name,
      attributes: {
        Arn: arn,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
      },
    }
  },
  remove: async (_resource, { ref }, cloud) => {
    if (!cloud.s3.isEmpty(ref))
      throw new Error('The bucket you tried to delete is not empty (BucketNotEmpty)')
    await cloud.s3.deleteBucket(ref)
  },
}

export const s3Types: readonly ResourceType[] = [bucket]
