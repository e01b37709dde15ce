import { Construct } from 'constructs'
import type { Deployment } from '../deployment.ts'
import { HeliographFunction } from './function.ts'
import { madeBy, scopeOf } from './made-by.ts'

/**
 * Ends a deployment when a server certificate is not issued, not for its domain or about to end.
 * What depends on this construct is made afterward.
 */
export class DomainCheck extends Construct {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id)
    const { domain, certificateArn, tokenDomain, tokenCertificateArn } = deployment.stage
    const checker = new HeliographFunction(this, 'domain', deployment, {
      description:
        'Looks at the certificates of the provider domains while the stacks are deployed',
      timeoutSeconds: 60,
      memoryMegabytes: 256,
    })
    checker.allow(['acm:DescribeCertificate'], [certificateArn])
    const pair = scopeOf(this, `${domain} ${certificateArn}`)
    madeBy(checker, pair, 'DomainCertificate', { domain, certificateArn })
    if (tokenDomain && tokenCertificateArn)
      checkTokenDomain(this, checker, { domain: tokenDomain, certificateArn: tokenCertificateArn })
  }
}

/**
 * A domain that does not ask for client certificates accepts any certificate in ACM, whoever issued
 * it.
 */
function checkTokenDomain(
  scope: Construct,
  checker: HeliographFunction,
  subject: { readonly domain: string; readonly certificateArn: string },
): void {
  checker.allow(['acm:DescribeCertificate'], [subject.certificateArn])
  const pair = scopeOf(scope, `tokens ${subject.domain} ${subject.certificateArn}`)
  madeBy(checker, pair, 'DomainCertificate', { ...subject, kind: 'tokens' })
}
