import {
  ANNOUNCE_TIMEOUT_SECONDS,
  DELIVER_TIMEOUT_SECONDS,
  RECORD_TIMEOUT_SECONDS,
} from '@heliograph/protocol/retry'
import { Duration, Stack, type StackProps } from 'aws-cdk-lib'
import { type DomainName, HttpMethod, type HttpStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { Construct } from 'constructs'
import { TOKEN_STAGE, variable } from '../../lambdas/settings.ts'
import { DomainCheck } from '../constructs/domain-check.ts'
import { DomainTruststore } from '../constructs/domain-truststore.ts'
import { HeliographFunction } from '../constructs/function.ts'
import { HttpEdge } from '../constructs/http-edge.ts'
import { addOutputs } from '../constructs/outputs.ts'
import { ProviderDomain } from '../constructs/provider-domain.ts'
import type { Deployment } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { StateStack } from './state-stack.ts'

/** From a provider's request to the device: the mTLS edge, accept, deliver and feedback. */
export class ProvidersStack extends Stack {
  readonly edge: HttpEdge
  readonly accept: HeliographFunction
  readonly deliver: HeliographFunction
  readonly feedback: HeliographFunction
  readonly record: HeliographFunction
  readonly receipt: HeliographFunction
  readonly announce: HeliographFunction
  readonly channel: HeliographFunction
  readonly domain: DomainName
  /** Where provider tokens are taken; absent without `tokenDomain`. */
  readonly tokens: { readonly domain: DomainName; readonly stage: HttpStage } | undefined

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
    this.record = recordFunction(this, deployment, props.state)
    this.receipt = receiptFunction(this, deployment, props.state)
    this.announce = announceFunction(this, deployment, props.state)
    this.channel = channelFunction(this, deployment, props.state)
    this.edge = new HttpEdge(this, 'Edge', {
      ...deployment,
      name: 'providers',
      description: "Apple's provider API, by client certificate or provider token",
      onlyByDomain: true,
      throttle: deployment.stage.providerThrottle,
      // a little after accept's own bound, a little before clients give up
      answerWithin: Duration.millis(4_900),
      authorization:
        'Mutual TLS or a provider token and the functions authorize; an authorizer could not refuse in the form APNs clients read',
    })
    this.edge.route('/3/feedback', HttpMethod.GET, this.feedback)
    this.edge.route('/3/notification/{id}', HttpMethod.GET, this.receipt)
    this.edge.route('/1/apps/{rest+}', HttpMethod.ANY, this.channel)
    this.edge.otherwise(this.accept)
    const { authorities } = props.state
    const { stage } = deployment
    const { version } = new DomainTruststore(this, 'Truststore', { stage, authorities })
    const check = stage.checkCertificate && new DomainCheck(this, 'DomainCheck', deployment)
    this.domain = this.#domain(stage, props.state, version)
    this.tokens = this.#tokenDomain(stage)
    // after the stages, in each of which it has its rate
    this.edge.routeAtRate('/3/devices', HttpMethod.POST, this.accept, stage.multicastThrottle)
    this.edge.routeAtRate(
      '/4/broadcasts/{rest+}',
      HttpMethod.ANY,
      this.channel,
      stage.broadcastThrottle,
    )
    if (check) for (const domain of this.#domains()) domain.node.addDependency(check)
    addOutputs(this, {
      ProviderUrl: `https://${deployment.stage.domain}`,
      ProviderDomainTarget: this.domain.regionalDomainName,
      TruststoreVersion: version,
      AcceptFunction: this.accept.resource.functionName,
      DeliverFunction: this.deliver.resource.functionName,
      FeedbackFunction: this.feedback.resource.functionName,
      RecordFunction: this.record.resource.functionName,
      ReceiptFunction: this.receipt.resource.functionName,
      AnnounceFunction: this.announce.resource.functionName,
      ChannelFunction: this.channel.resource.functionName,
    })
    if (this.tokens)
      addOutputs(this, {
        TokenUrl: `https://${stage.tokenDomain}`,
        TokenDomainTarget: this.tokens.domain.regionalDomainName,
      })
  }

  #domains(): DomainName[] {
    return [this.domain, ...(this.tokens ? [this.tokens.domain] : [])]
  }

  /**
   * A separate stage, so that requests that anyone may send do not use up the rate of certificates.
   */
  #tokenDomain(stage: StageProps): ProvidersStack['tokens'] {
    const { tokenDomain: domainName, tokenCertificateArn: certificateArn, hostedZone } = stage
    if (!domainName || !certificateArn) return undefined
    const { edge } = this
    const tokens = edge.addStage('TokenStage', TOKEN_STAGE, stage.tokenThrottle)
    const props = { domainName, certificateArn, edge, stage: tokens, hostedZone }
    return { domain: new ProviderDomain(this, 'TokenDomain', props).domain, stage: tokens }
  }

  #domain(stage: StageProps, { trust, authorities }: StateStack, version: string): DomainName {
    const { domain: domainName, certificateArn, hostedZone } = stage
    const mtls = { bucket: trust.bucket, key: authorities.truststoreKey, version }
    const { edge } = this
    const props = { domainName, certificateArn, edge, stage: edge.stage, mtls, hostedZone }
    return new ProviderDomain(this, 'Domain', props).domain
  }
}

/** What `credentials` of lambdas/credentials.ts needs, in every function that providers call. */
function letJudgeCredentials(
  fn: HeliographFunction,
  { trustCacheSeconds }: StageProps,
  { authorities, providerKeys, providers }: StateStack['stores'],
): void {
  fn.set(variable.trustCacheSeconds, String(trustCacheSeconds))
  for (const store of [providers, providerKeys, authorities]) store.grant(fn, 'GetItem')
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
  accept.set(variable.registrationCacheSeconds, String(stage.registrationCacheSeconds))
  accept.set(variable.providerRateLimit, String(stage.providerRatePerSecond))
  accept.set(variable.tokenRateLimit, String(stage.tokenRatePerSecond))
  accept.set(variable.countedTopics, JSON.stringify(stage.countedTopics))
  accept.set(variable.pending, JSON.stringify(stage.pending))
  notifications.grantSend(accept)
  stores.registrations.grant(accept, 'BatchGetItem', 'GetItem')
  letJudgeCredentials(accept, stage, stores)
  tokenKeyRing.grantRead(accept)
  return accept
}

function deliverFunction(
  scope: Construct,
  deployment: Deployment,
  { stores, notifications, outcomes, announcements, slots, iot, tokenKeyRing }: StateStack,
): HeliographFunction {
  const deliver = new HeliographFunction(scope, 'deliver', deployment, {
    description: 'Sends notifications to connected devices and stores the rest',
    timeoutSeconds: DELIVER_TIMEOUT_SECONDS,
    // it mostly waits for devices, and every megabyte waits with it (docs/cost.md)
    memoryMegabytes: 256,
  })
  const source = new SqsEventSource(notifications.queue, {
    batchSize: 10,
    maxConcurrency: deployment.stage.deliverConcurrency,
    reportBatchItemFailures: true,
  })
  deliver.resource.addEventSource(source)
  deliver.resource.addEventSource(
    new SqsEventSource(slots.queue, {
      batchSize: 10,
      maxConcurrency: deployment.stage.slotConcurrency,
      reportBatchItemFailures: true,
    }),
  )
  notifications.grantSendRest(deliver)
  deliver.set(variable.deliverPatience, String(deployment.stage.deliverPatienceSeconds))
  slots.grantSend(deliver)
  outcomes.grantSend(deliver)
  announcements.grantSend(deliver)
  stores.pending.grant(deliver, 'DeleteItem', 'GetItem', 'PutItem', 'Query')
  stores.registrations.grant(deliver, 'GetItem')
  stores.feedback.grant(deliver, 'GetItem', 'PutItem')
  stores.claims.grant(deliver, 'GetItem', 'PutItem')
  tokenKeyRing.grantJudge(deliver)
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
  stores.feedback.grant(feedback, 'Query')
  letJudgeCredentials(feedback, deployment.stage, stores)
  return feedback
}

/** SQS hands a batch over when it has this many messages, of which each has the outcomes of an invocation. */
const RECORD_BATCH = 1_000

function recordFunction(
  scope: Construct,
  deployment: Deployment,
  { outcomes, stores }: StateStack,
): HeliographFunction {
  const { stage } = deployment
  const record = new HeliographFunction(scope, 'record', deployment, {
    description: 'Keeps what became of notifications',
    timeoutSeconds: RECORD_TIMEOUT_SECONDS,
    memoryMegabytes: 256,
  })
  record.resource.addEventSource(
    new SqsEventSource(outcomes.queue, {
      batchSize: RECORD_BATCH,
      maxBatchingWindow: Duration.seconds(stage.receiptDelaySeconds),
      maxConcurrency: 10,
      reportBatchItemFailures: true,
      // pollers cost money also while nothing comes
      enabled: isAnyOn(stage.receipts),
    }),
  )
  record.set(variable.receiptDays, String(stage.receiptDays))
  stores.receipts.grant(record, 'PutItem')
  return record
}

function isAnyOn({
  default: rest,
  topics,
}: StageProps['receipts'] | StageProps['events']): boolean {
  return [rest, ...Object.values(topics)].some((level) => level !== 'off')
}

function announceFunction(
  scope: Construct,
  deployment: Deployment,
  { announcements, events }: StateStack,
): HeliographFunction {
  const announce = new HeliographFunction(scope, 'announce', deployment, {
    description: 'Tells subscribers what became of notifications, and which tokens have died',
    timeoutSeconds: ANNOUNCE_TIMEOUT_SECONDS,
    memoryMegabytes: 256,
  })
  announce.resource.addEventSource(
    new SqsEventSource(announcements.queue, {
      batchSize: 10,
      maxConcurrency: 10,
      reportBatchItemFailures: true,
      // pollers cost money also while nothing comes
      enabled: isAnyOn(deployment.stage.events),
    }),
  )
  events.grantPublish(announce)
  return announce
}

function receiptFunction(
  scope: Construct,
  deployment: Deployment,
  { stores }: StateStack,
): HeliographFunction {
  const { stage } = deployment
  const receipt = new HeliographFunction(scope, 'receipt', deployment, {
    description: 'Tells a provider what became of a notification',
    timeoutSeconds: 10,
    memoryMegabytes: 512,
  })
  receipt.set(variable.providerRateLimit, String(stage.providerRatePerSecond))
  stores.receipts.grant(receipt, 'Query')
  letJudgeCredentials(receipt, stage, stores)
  return receipt
}

function channelFunction(
  scope: Construct,
  deployment: Deployment,
  { stores, iot }: StateStack,
): HeliographFunction {
  const { stage } = deployment
  const channel = new HeliographFunction(scope, 'channel', deployment, {
    description: 'Keeps the channels of providers, and publishes to those who have joined them',
    timeoutSeconds: 10,
    memoryMegabytes: 512,
  })
  channel.set(variable.providerRateLimit, String(stage.channelRatePerSecond))
  stores.channels.grant(channel, 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem')
  letJudgeCredentials(channel, stage, stores)
  iot.grantBroadcast(channel)
  return channel
}
