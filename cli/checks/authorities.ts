import { X509Certificate } from 'node:crypto'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { authorities } from '../../aws/authorities.ts'
import { publicKeyOf } from '../../aws/signing-key.ts'
import type { Authority } from '../../core/ports.ts'
import type { Deployment } from '../deployment.ts'
import { type Check, type Finding, ok, problem } from './finding.ts'
import { judgeValidity } from './validity.ts'

/** A CA lives for 20 years; replacing it means new certificates for everybody. */
const MARGIN = {
  days: 398,
  remedy: 'plan a new CA: SECURITY.md, "Replacing a CA"',
}

/** The CA's certificate is there, in date, and belongs to the key in KMS. */
export const authorityCheck = (name: Authority['name']): Check => ({
  name: `${name} CA`,
  async run({ deployment }) {
    const { clients, outputs, clock } = deployment
    const found = await authorities(clients.dynamoDb, outputs.AuthoritiesTable).find(name)
    const check = `${name} CA`
    if (!found) return [problem(check, 'is not set up: deploy the State stack again')]
    const certificate = new X509Certificate(found.certificate)
    const dates = {
      from: Date.parse(certificate.validFrom),
      to: Date.parse(certificate.validTo),
    }
    const validity = judgeValidity(check, dates, clock.now(), MARGIN)
    return [validity, await judgeKey(deployment, name, found, certificate)]
  },
})

async function judgeKey(
  { clients, outputs }: Deployment,
  name: Authority['name'],
  { keyArn }: Authority,
  certificate: X509Certificate,
): Promise<Finding> {
  const check = `${name} CA key`
  const key = name === 'provider' ? outputs.ProviderAuthorityKey : outputs.DeviceAuthorityKey
  if (keyArn !== key)
    return problem(check, `the CA was made with ${keyArn}, the stacks now have ${key}`)
  const inKms = Buffer.from(await publicKeyOf(clients.kms, key))
  const inCertificate = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return inKms.equals(inCertificate)
    ? ok(check, 'the key in KMS belongs to the certificate')
    : problem(check, 'the key in KMS is not that of the certificate: nothing it signs is accepted')
}

/** What API Gateway checks clients against is exactly the provider CA's certificate. */
export const truststoreCheck: Check = {
  name: 'truststore',
  async run({ deployment }) {
    const { clients, outputs } = deployment
    const { TrustBucket: Bucket, TruststoreKey: Key, TruststoreVersion: VersionId } = outputs
    const { Body: body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))
    const bundle = pemBlocks((await body?.transformToString()) ?? '')
    const found = await authorities(clients.dynamoDb, outputs.AuthoritiesTable).find('provider')
    const expected = pemBlocks(found?.certificate ?? '')[0]
    if (bundle.length === 1 && bundle[0] === expected)
      return [ok('truststore', 'holds the provider CA and nothing else')]
    const held = bundle.includes(expected ?? '')
      ? 'more than the provider CA'
      : 'not the provider CA'
    return [
      problem('truststore', `s3://${Bucket}/${Key} holds ${held}: deploy the State stack again`),
    ]
  },
}

function pemBlocks(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => block.replace(/\s/g, ''))
}
