import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { removalOf } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import { acknowledge } from './acknowledge.ts'
import type { HeliographFunction } from './function.ts'

/** Where API Gateway reads the CA certificate that provider certificates must chain to. */
export class TrustBucket extends Construct {
  readonly bucket: IBucket
  readonly #stage: StageProps

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.#stage = stage
    this.bucket = new Bucket(this, 'Bucket', {
      // Without a version CloudFormation does not notice a changed truststore.
      versioned: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: removalOf(stage),
      // `Bucket` leaves `isWebsite` optional, which `exactOptionalPropertyTypes` does not let pass.
    }) as IBucket
    acknowledge(this, 'S1', 'Its one object is a CA certificate, which is no secret')
  }

  /** Lets a function put the truststore; in a stage that is destroyed whole, also remove it. */
  grantPublish(grantee: HeliographFunction): void {
    const { bucketArn, bucketName } = this.bucket
    grantee.set(variable.trustBucket, bucketName)
    this.#allow(grantee, ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'])
    // Without it S3 answers 403, not 404, when there is no truststore yet.
    grantee.allow(['s3:ListBucket'], [bucketArn])
    if (this.#stage.removal === 'destroy') this.#grantRemove(grantee)
  }

  /** Lets a function read the object of this key. */
  grantRead(grantee: HeliographFunction, key: string): void {
    grantee.set(variable.trustBucket, this.bucket.bucketName)
    grantee.allow(['s3:GetObject'], [this.bucket.arnForObjects(key)])
  }

  #grantRemove(grantee: HeliographFunction): void {
    grantee.allow(['s3:ListBucketVersions'], [this.bucket.bucketArn])
    this.#allow(grantee, ['s3:DeleteObject', 's3:DeleteObjectVersion'])
  }

  #allow(grantee: HeliographFunction, actions: readonly string[]): void {
    const resource = this.bucket.arnForObjects('*')
    grantee.allowFamily({
      actions,
      resource,
      reason: 'The bucket holds nothing but the truststore',
    })
  }
}
