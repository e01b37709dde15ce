import { createHash } from 'node:crypto'
import { Construct } from 'constructs'
import type { Deployment } from '../deployment.ts'
import { HeliographFunction } from './function.ts'
import { madeBy } from './made-by.ts'

/**
 * Ends a deployment when the server certificate is not issued, not for the domain or about to end.
 * What depends on this construct is made afterwards.
 */
export class DomainCheck extends Construct {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id)
    const { domain, certificateArn } = deployment.stage
    const checker = new HeliographFunction(this, 'domain', deployment, {
      description: "Looks at the provider domain's certificate while the stacks are deployed",
      timeoutSeconds: 60,
      memoryMegabytes: 256,
    })
    checker.allow(['acm:DescribeCertificate'], [certificateArn])
    // Another certificate is another resource: a roll-back then does not check the old one again.
    const subject = createHash('sha256').update(`${domain} ${certificateArn}`).digest('hex')
    const pair = new Construct(this, subject.slice(0, 8))
    madeBy(checker, pair, 'DomainCertificate', { domain, certificateArn })
  }
}
