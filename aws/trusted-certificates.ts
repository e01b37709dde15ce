import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'

const KEY = 'truststore.pem'

/** The CA certificates, PEM, that API Gateway accepts provider certificates of. */
export function trustedCertificates(bucket: string): () => Promise<string[]> {
  const client = new S3Client({ forcePathStyle: true })
  return async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: KEY }))
    const bundle = (await Body?.transformToString()) ?? ''
    return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  }
}
