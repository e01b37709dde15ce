import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import { STREAM_RETRIES } from '@heliograph/protocol/retry'
import { Stack, type StackProps } from 'aws-cdk-lib'
import { HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2'
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { CertificateDesk } from '../constructs/certificate-desk.ts'
import { DevicePolicy } from '../constructs/device-policy.ts'
import { HeliographFunction, type HeliographFunctionProps } from '../constructs/function.ts'
import { HttpEdge } from '../constructs/http-edge.ts'
import { addOutputs } from '../constructs/outputs.ts'
import { StageDevices } from '../constructs/stage-devices.ts'
import { RuleErrorSink, UpstreamRule } from '../constructs/upstream-rule.ts'
import type { Deployment } from '../deployment.ts'
import type { StateStack } from './state-stack.ts'

/**
 * Everything that devices talk to: activation, the device policy, and the rules for their requests.
 */
export class DevicesStack extends Stack {
  readonly activate: HeliographFunction
  readonly expire: HeliographFunction
  readonly upstream: Readonly<Record<Upstream, HeliographFunction>>
  readonly edge: HttpEdge
  readonly activationUrl: string

  constructor(
    scope: Construct,
    id: string,
    deployment: Deployment,
    props: StackProps & { readonly state: StateStack },
  ) {
    super(scope, id, props)
    const { state } = props
    const policy = new DevicePolicy(this, 'DeviceAccess', deployment.stage)
    const { stage } = deployment
    const { stores, vault } = state
    const desk = new CertificateDesk({ stage, stores, vault, policy })
    this.activate = activateFunction(this, deployment, state, desk)
    this.expire = expireFunction(this, deployment, state)
    this.upstream = {
      register: registerFunction(this, deployment, state),
      connect: connectFunction(this, deployment, state),
      unregister: unregisterFunction(this, deployment, state),
      renew: renewFunction(this, deployment, state, desk),
    }
    this.#listen(deployment, state)
    this.edge = new HttpEdge(this, 'Edge', {
      ...deployment,
      name: 'activation',
      description: 'Gives a device its certificate in exchange for an activation code',
      onlyByDomain: false,
      authorization:
        'The activation code in the body authorizes, once; devices have nothing else yet',
      throttle: deployment.stage.activationThrottle,
    })
    this.edge.route('/activate', HttpMethod.POST, this.activate)
    if (stage.removal === 'destroy') this.#leaveNothing(deployment, state, policy)
    this.activationUrl = `${this.edge.api.apiEndpoint}/activate`
    addOutputs(this, {
      ActivationUrl: this.activationUrl,
      DevicePolicy: policy.policyName,
      ...this.#functions(),
    })
  }

  #leaveNothing(deployment: Deployment, { stores }: StateStack, policy: DevicePolicy): void {
    const devices = new StageDevices(this, 'StageDevices', { ...deployment, stores, policy })
    devices.outlive(this.activate, this.upstream.renew)
  }

  #functions(): Record<string, string> {
    const { register, connect, unregister, renew } = this.upstream
    return {
      ActivateFunction: this.activate.resource.functionName,
      RegisterFunction: register.resource.functionName,
      ConnectFunction: connect.resource.functionName,
      UnregisterFunction: unregister.resource.functionName,
      RenewFunction: renew.resource.functionName,
      ExpireFunction: this.expire.resource.functionName,
    }
  }

  #listen({ stage }: Deployment, state: StateStack): void {
    const errors = new RuleErrorSink(this, 'RuleErrors', state.ruleErrors.queue)
    for (const upstream of Object.keys(this.upstream) as Upstream[]) {
      const handler = this.upstream[upstream]
      new UpstreamRule(handler, 'Upstream', { stage, upstream, handler, errors })
    }
  }
}

/**
 * The function for one kind of device request, with reserved concurrency if the stage reserves
 * some.
 */
function upstreamFunction(
  scope: Construct,
  deployment: Deployment,
  { deadLetters }: StateStack,
  name: Upstream,
  props: Pick<HeliographFunctionProps, 'description' | 'timeoutSeconds'>,
): HeliographFunction {
  const reservedConcurrency = deployment.stage.upstreamConcurrency[name]
  return new HeliographFunction(scope, name, deployment, {
    ...(reservedConcurrency === undefined ? {} : { reservedConcurrency }),
    ...props,
    memoryMegabytes: 512,
    deadLetters,
  })
}

function activateFunction(
  scope: Construct,
  deployment: Deployment,
  { stores, iot }: StateStack,
  desk: CertificateDesk,
): HeliographFunction {
  const activate = new HeliographFunction(scope, 'activate', deployment, {
    description: 'Exchanges an activation code and a CSR for a device certificate',
    timeoutSeconds: 20,
    memoryMegabytes: 512,
  })
  stores.activations.grant(activate, 'GetItem', 'UpdateItem')
  activate.set(variable.activationsPerSecond, String(deployment.stage.activationsPerSecond))
  desk.grantIssue(activate)
  iot.tell(activate)
  return activate
}

function renewFunction(
  scope: Construct,
  deployment: Deployment,
  state: StateStack,
  desk: CertificateDesk,
): HeliographFunction {
  const { iot } = state
  const renew = upstreamFunction(scope, deployment, state, 'renew', {
    description: 'Gives a connected device its next certificate',
    timeoutSeconds: 20,
  })
  desk.grantIssue(renew)
  desk.grantRetire(renew)
  iot.grantSend(renew)
  return renew
}

function registerFunction(
  scope: Construct,
  deployment: Deployment,
  state: StateStack,
): HeliographFunction {
  const { iot, stores, tokenKeyRing } = state
  const register = upstreamFunction(scope, deployment, state, 'register', {
    description: 'Returns the device token for one topic',
    timeoutSeconds: 15,
  })
  stores.registrations.grant(register, 'GetItem', 'Query', 'UpdateItem')
  stores.devices.grant(register, 'GetItem')
  stores.providers.grant(register, 'GetItem')
  stores.providerKeys.grant(register, 'GetItem')
  tokenKeyRing.grantRead(register)
  iot.grantSend(register)
  return register
}

function connectFunction(
  scope: Construct,
  deployment: Deployment,
  state: StateStack,
): HeliographFunction {
  const { iot, slots, stores, tokenKeyRing } = state
  const connect = upstreamFunction(scope, deployment, state, 'connect', {
    description: 'Checks the tokens a device presents and asks deliver for what is pending',
    timeoutSeconds: 15,
  })
  slots.grantSend(connect)
  stores.pending.grant(connect, 'Query')
  stores.registrations.grant(connect, 'Query')
  stores.devices.grant(connect, 'GetItem')
  tokenKeyRing.grantJudge(connect)
  iot.grantSend(connect)
  return connect
}

function unregisterFunction(
  scope: Construct,
  deployment: Deployment,
  state: StateStack,
): HeliographFunction {
  const { announcements, iot, outcomes, stores, tokenKeyRing } = state
  const unregister = upstreamFunction(scope, deployment, state, 'unregister', {
    description: 'Declares the device token for one topic dead',
    timeoutSeconds: 15,
  })
  stores.registrations.grant(unregister, 'GetItem', 'UpdateItem')
  stores.devices.grant(unregister, 'GetItem')
  stores.pending.grant(unregister, 'DeleteItem', 'Query')
  outcomes.grantSend(unregister)
  announcements.grantSend(unregister)
  stores.feedback.grant(unregister, 'GetItem', 'PutItem')
  tokenKeyRing.grantJudge(unregister)
  iot.grantSend(unregister)
  return unregister
}

function expireFunction(
  scope: Construct,
  deployment: Deployment,
  { announcements, deadLetters, outcomes, stores, tokenKeyRing }: StateStack,
): HeliographFunction {
  const expire = new HeliographFunction(scope, 'expire', deployment, {
    description: 'Writes feedback for a pending notification whose time has passed',
    timeoutSeconds: 30,
    memoryMegabytes: 256,
  })
  outcomes.grantSend(expire)
  announcements.grantSend(expire)
  stores.feedback.grant(expire, 'GetItem', 'PutItem')
  tokenKeyRing.grantJudge(expire)
  readExpired(expire, stores.pending.streamArn)
  expire.resource.addEventSourceMapping('Expired', {
    eventSourceArn: stores.pending.streamArn,
    startingPosition: StartingPosition.TRIM_HORIZON,
    filters: [expiredOnly],
    batchSize: 100,
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    retryAttempts: STREAM_RETRIES,
    onFailure: deadLetters.takeFrom(expire),
  })
  return expire
}

/** DynamoDB itself deletes expired items; a delete by a function is not an expiry. */
const expiredOnly = FilterCriteria.filter({
  eventName: FilterRule.isEqual('REMOVE'),
  userIdentity: { principalId: FilterRule.isEqual('dynamodb.amazonaws.com') },
})

function readExpired(reader: HeliographFunction, streamArn: string): void {
  reader.allow(
    ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
    [streamArn],
  )
  reader.allowFamily({
    actions: ['dynamodb:ListStreams'],
    resource: '*',
    reason: 'IAM knows no resource for it; Lambda asks for it when the mapping is made',
  })
}
