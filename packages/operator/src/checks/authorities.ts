import { X509Certificate } from 'node:crypto'
import type { Authority } from '@heliograph/core/ports'
import { isAws } from '../aws-stage.ts'
import type { Deployment } from '../deployment.ts'
import { type Check, type Finding, ok, problem } from './finding.ts'
import { judgeValidity } from './validity.ts'

/** A CA lives for 20 years; replacing it means new certificates for everybody. */
const MARGIN = {
  days: 398,
  remedy: 'plan a new CA: SECURITY.md, "Replacing a CA"',
}

/** The CA's certificate exists, is in date, and belongs to its key. */
export const authorityCheck = (name: Authority['name']): Check => ({
  name: `${name} CA`,
  async run({ deployment }) {
    const { ports, clock } = deployment
    const found = await ports.authorities.find(name)
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
  deployment: Deployment,
  name: Authority['name'],
  authority: Authority,
  certificate: X509Certificate,
): Promise<Finding> {
  const check = `${name} CA key`
  const moved = movedKey(deployment, authority)
  if (moved) return problem(check, moved)
  const key = Buffer.from(await deployment.ports.authorityKeys.publicKey(name))
  const inCertificate = certificate.publicKey.export({ type: 'spki', format: 'der' })
  const where = isAws(deployment) ? 'the key in KMS' : 'the key in the state folder'
  return key.equals(inCertificate)
    ? ok(check, `${where} belongs to the certificate`)
    : problem(
        check,
        `${where} does not belong to the certificate: nothing that it signs is accepted`,
      )
}

/** On AWS the stacks may have another key than the one that the CA was made with. */
function movedKey(deployment: Deployment, { name, keyArn }: Authority): string | undefined {
  if (!isAws(deployment)) return undefined
  const { ProviderAuthorityKey, DeviceAuthorityKey } = deployment.outputs
  const key = name === 'provider' ? ProviderAuthorityKey : DeviceAuthorityKey
  return keyArn === key ? undefined : `the CA was made with ${keyArn}, the stacks now have ${key}`
}
