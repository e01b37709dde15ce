import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'

const KEY = 'truststore.pem'

/** The CA certificates, PEM, of the newest truststore or of another version. */
export function trustedCertificates(bucket: string): (version?: string) => Promise<string[]> {
  const client = new S3Client({ forcePathStyle: true })
  return async (VersionId) => {
    const command = new GetObjectCommand({ Bucket: bucket, Key: KEY, VersionId })
    const { Body } = await client.send(command)
    const bundle = (await Body?.transformToString()) ?? ''
    return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  }
}
