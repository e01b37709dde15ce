import { GetObjectCommand } from '@aws-sdk/client-s3'
import { awsOnly } from '../aws-stage.ts'
import { type Check, ok, problem } from './finding.ts'

/** What API Gateway checks clients against is exactly the provider CA's certificate. */
export const truststoreCheck: Check = {
  name: 'truststore',
  async run({ deployment }) {
    const { clients, outputs, ports } = awsOnly(deployment, 'it has a truststore')
    const { TrustBucket: Bucket, TruststoreKey: Key, TruststoreVersion: VersionId } = outputs
    const { Body: body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))
    const bundle = pemBlocks((await body?.transformToString()) ?? '')
    const found = await ports.authorities.find('provider')
    const expected = pemBlocks(found?.certificate ?? '')[0]
    if (bundle.length === 1 && bundle[0] === expected)
      return [ok('truststore', 'holds the provider CA and nothing else')]
    const held = bundle.includes(expected ?? '')
      ? 'more than the provider CA'
      : 'not the provider CA'
    return [
      problem(
        'truststore',
        `s3://${Bucket}/${Key} in version ${VersionId} holds ${held}: deploy a version that holds only the CA (docs/deploy.md, "Backup and restore")`,
      ),
    ]
  },
}

function pemBlocks(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => block.replace(/\s/g, ''))
}
