import { Duration, Stack, type StackProps } from 'aws-cdk-lib'
import { HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { DomainCheck } from '../constructs/domain-check.ts'
import { HeliographFunction } from '../constructs/function.ts'
import { HttpEdge } from '../constructs/http-edge.ts'
import { addOutputs } from '../constructs/outputs.ts'
import { ProviderDomain } from '../constructs/provider-domain.ts'
import { deliverTimeoutSeconds } from '../constructs/queues.ts'
import type { Deployment } from '../deployment.ts'
import type { StateStack } from './state-stack.ts'

/** From a provider's request to the device: the mTLS edge, accept, deliver and feedback. */
export class ProvidersStack extends Stack {
  readonly edge: HttpEdge
  readonly accept: HeliographFunction
  readonly deliver: HeliographFunction
  readonly feedback: HeliographFunction

  constructor(
    scope: Construct,
    id: string,
    deployment: Deployment,
    props: StackProps & { readonly state: StateStack },
  ) {
    super(scope, id, props)
    this.accept = acceptFunction(this, deployment, props.state)
    this.deliver = deliverFunction(this, deployment, props.state)
    this.feedback = feedbackFunction(this, deployment, props.state)
    this.edge = new HttpEdge(this, 'Edge', {
      ...deployment,
      name: 'providers',
      description: "Apple's provider API, by client certificate only",
      onlyByDomain: true,
      // a little after accept's own bound, a little before clients give up
      answerWithin: Duration.millis(4_900),
      authorization:
        'Mutual TLS and the functions authorise; an authorizer could not refuse in the form APNs clients read',
    })
    this.edge.route('/3/feedback', HttpMethod.GET, this.feedback)
    this.edge.otherwise(this.accept)
    const { domain } = this.#domain(deployment, props.state)
    addOutputs(this, {
      ProviderUrl: `https://${deployment.stage.domain}`,
      ProviderDomainTarget: domain.regionalDomainName,
      AcceptFunction: this.accept.resource.functionName,
      DeliverFunction: this.deliver.resource.functionName,
      FeedbackFunction: this.feedback.resource.functionName,
    })
  }

  #domain(deployment: Deployment, { trust, authorities }: StateStack): ProviderDomain {
    const { stage } = deployment
    const mtls = { bucket: trust.bucket, ...authorities.truststore }
    const made = new ProviderDomain(this, 'Domain', { stage, edge: this.edge, mtls })
    if (stage.checkCertificate)
      made.node.addDependency(new DomainCheck(this, 'DomainCheck', deployment))
    return made
  }
}

function acceptFunction(
  scope: Construct,
  deployment: Deployment,
  { stores, notifications, tokenKeyRing }: StateStack,
): HeliographFunction {
  const { stage } = deployment
  const accept = new HeliographFunction(scope, 'accept', deployment, {
    description: 'Checks a notification and puts it into the queue',
    timeoutSeconds: 10,
    memoryMegabytes: 1024,
    ...(stage.acceptConcurrency && { reservedConcurrency: stage.acceptConcurrency }),
  })
  accept.set(variable.defaultLifetime, String(stage.defaultLifetimeSeconds))
  accept.set(variable.trustCacheSeconds, String(stage.trustCacheSeconds))
  accept.set(variable.registrationCacheSeconds, String(stage.registrationCacheSeconds))
  accept.set(variable.tokenRateLimit, String(stage.tokenRatePerSecond))
  notifications.grantSend(accept)
  stores.registrations.grant(accept, 'GetItem')
  stores.providers.grant(accept, 'GetItem')
  stores.authorities.grant(accept, 'GetItem')
  tokenKeyRing.grantRead(accept)
  return accept
}

function deliverFunction(
  scope: Construct,
  deployment: Deployment,
  { stores, notifications, iot }: StateStack,
): HeliographFunction {
  const deliver = new HeliographFunction(scope, 'deliver', deployment, {
    description: 'Sends notifications to connected devices and stores the rest',
    timeoutSeconds: deliverTimeoutSeconds,
    // it mostly waits for devices, and every megabyte waits with it (docs/cost.md)
    memoryMegabytes: 256,
  })
  const source = new SqsEventSource(notifications.queue, {
    batchSize: 10,
    maxConcurrency: deployment.stage.deliverConcurrency,
    reportBatchItemFailures: true,
  })
  deliver.resource.addEventSource(source)
  notifications.grantSend(deliver)
  stores.pending.grant(deliver, 'DeleteItem', 'GetItem', 'PutItem')
  stores.registrations.grant(deliver, 'GetItem')
  stores.feedback.grant(deliver, 'GetItem', 'PutItem')
  stores.claims.grant(deliver, 'GetItem', 'PutItem')
  iot.grantSend(deliver)
  return deliver
}

function feedbackFunction(
  scope: Construct,
  deployment: Deployment,
  { stores }: StateStack,
): HeliographFunction {
  const feedback = new HeliographFunction(scope, 'feedback', deployment, {
    description: "Lists the dead tokens of a provider's topics",
    timeoutSeconds: 10,
    memoryMegabytes: 512,
  })
  feedback.set(variable.trustCacheSeconds, String(deployment.stage.trustCacheSeconds))
  stores.feedback.grant(feedback, 'Query')
  stores.providers.grant(feedback, 'GetItem')
  stores.authorities.grant(feedback, 'GetItem')
  return feedback
}
