import { CANARY_TOPIC } from '@heliograph/protocol/canary'
import { Stack, type StackProps, Stage, Token } from 'aws-cdk-lib'
import type { DomainName } from 'aws-cdk-lib/aws-apigatewayv2'
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Deployment } from './deployment.ts'
import { type FunctionCode, packagedCode } from './functions.ts'
import { DevicesStack } from './stacks/devices-stack.ts'
import { OperationsStack } from './stacks/operations-stack.ts'
import { ProvidersStack } from './stacks/providers-stack.ts'
import { StateStack } from './stacks/state-stack.ts'
import { type StageProps, stageDefaults } from './stage.ts'
import { checkStage } from './stage-rules.ts'

/** Only `domain` and `certificateArn` must be given. */
export interface HeliographProps
  extends Partial<Omit<StageProps, 'name' | 'domain' | 'certificateArn'>> {
  /** Host name that providers connect to, for example `push.example.com`. */
  readonly domain: string
  /** ACM certificate for `domain`, in the region of the stacks; may be one that another stack makes. */
  readonly certificateArn: string
  /**
   * Part of the name of every stack and resource, so that several stages share an account: 1 to 16
   * lower-case letters and digits, a letter first. The `heliograph` command finds a deployment by it.
   * Default `prod`.
   */
  readonly stageName?: string
  /** Account and region of the stacks. Default: those of the stack or stage around the construct. */
  readonly env?: StageProps['env']
  /** Where the functions' bundles are. Default: those inside this package. */
  readonly code?: FunctionCode
}

/** The four stacks of one deployment. */
export interface HeliographStacks {
  /** Tables, queues, keys and certificate authorities: everything that must not be lost. */
  readonly state: Stack
  /** From a provider's request to the device. */
  readonly providers: Stack
  /** Activation, and what devices say. */
  readonly devices: Stack
  /** Alarms and the dashboard. */
  readonly operations: Stack
}

/**
 * The push notification service: the stacks `Heliograph-<stage>-State`, `-Providers`, `-Devices`
 * and `-Operations`, next to whatever else the app has. The scope may be an app, a stage or a
 * stack; in a stack, the four become separate stacks next to it.
 */
export class Heliograph extends Construct {
  readonly stageName: string
  readonly stacks: HeliographStacks
  /** Where providers send to, for example `https://push.example.com`. */
  readonly providerUrl: string
  /** What the DNS record of the provider domain points at; made for you if `hostedZone` is given. */
  readonly providerDomainTarget: { readonly domainName: string; readonly hostedZoneId: string }
  /** Where providers send to with tokens, for example `https://api.push.example.com`; absent without `tokenDomain`. */
  readonly tokenUrl: string | undefined
  /** What the DNS record of `tokenDomain` points at. */
  readonly tokenDomainTarget:
    | { readonly domainName: string; readonly hostedZoneId: string }
    | undefined
  /** Where devices get their certificate. */
  readonly activationUrl: string
  /** Every alarm, for actions of your own. */
  readonly alarms: readonly Alarm[]
  /** Hears of every alarm; absent without `alarmEmail`. */
  readonly alarmTopic: ITopic | undefined
  /** Where events are heard, for subscriptions of your own; which ones, `events` says. */
  readonly eventTopic: ITopic

  constructor(scope: Construct, id: string, props: HeliographProps) {
    super(scope, id)
    const stage = withQuietCanary(stageOf(scope, props))
    checkStage(stage)
    const { state, providers, devices, operations } = addStacks(this, {
      stage,
      code: props.code ?? packagedCode(),
    })
    this.stageName = stage.name
    this.stacks = { state, providers, devices, operations }
    this.providerUrl = `https://${stage.domain}`
    this.providerDomainTarget = targetOf(providers.domain)
    this.tokenUrl = stage.tokenDomain && `https://${stage.tokenDomain}`
    this.tokenDomainTarget = providers.tokens && targetOf(providers.tokens.domain)
    this.activationUrl = devices.activationUrl
    this.alarms = operations.alarms.all
    this.alarmTopic = operations.alarms.topic
    this.eventTopic = state.events.topic
  }
}

function targetOf({ regionalDomainName, regionalHostedZoneId }: DomainName) {
  return { domainName: regionalDomainName, hostedZoneId: regionalHostedZoneId }
}

function stageOf(scope: Construct, props: HeliographProps): StageProps {
  const { stageName: name = 'prod', code: _, ...given } = props
  const { removal = stageDefaults.removal } = given
  return {
    ...stageDefaults,
    terminationProtection: removal === 'retain',
    ...withoutUndefined(given),
    name,
    env: { ...environmentAround(scope), ...withoutUndefined(given.env ?? {}) },
  }
}

/**
 * Subscribers hear nothing of the canary, and receipts, if the stage keeps any, only have what went wrong. What the
 * owner sets for its topic wins.
 */
function withQuietCanary(stage: StageProps): StageProps {
  if (!stage.canary) return stage
  const { receipts, events } = stage
  const level = receipts.default === 'off' ? 'off' : 'exceptions'
  return {
    ...stage,
    receipts: { ...receipts, topics: { [CANARY_TOPIC]: level, ...receipts.topics } },
    events: { ...events, topics: { [CANARY_TOPIC]: 'off', ...events.topics } },
  }
}

/** In JavaScript, and in most TypeScript, a property may be present and undefined. */
function withoutUndefined<T extends object>(props: T): T {
  const known = Object.entries(props).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as T
}

/** A stack inherits these from the enclosing stage, but not from an enclosing stack. */
function environmentAround(scope: Construct): StageProps['env'] {
  const stack = scope.node.scopes.findLast(Stack.isStack)
  const { account, region } = stack ?? Stage.of(scope) ?? {}
  return {
    ...(account && !Token.isUnresolved(account) && { account }),
    ...(region && !Token.isUnresolved(region) && { region }),
  }
}

function addStacks(scope: Construct, deployment: Deployment) {
  const { stage } = deployment
  // the names do not follow the construct's path: the command looks for them
  const id = (part: string) => `Heliograph-${stage.name}-${part}`
  const common = (part: string, description: string) =>
    ({
      stackName: id(part),
      env: stage.env,
      tags: { 'heliograph:stage': stage.name },
      terminationProtection: stage.terminationProtection,
      description: `Heliograph ${stage.name}: ${description}`,
    }) satisfies StackProps
  const state = new StateStack(
    scope,
    id('State'),
    deployment,
    common('State', 'tables, queues, keys and certificate authorities'),
  )
  const providers = new ProvidersStack(scope, id('Providers'), deployment, {
    ...common('Providers', "from a provider's request to the device"),
    state,
  })
  const devices = new DevicesStack(scope, id('Devices'), deployment, {
    ...common('Devices', 'activation and what devices say'),
    state,
  })
  const operations = new OperationsStack(scope, id('Operations'), deployment, {
    ...common('Operations', 'alarms'),
    state,
    providers,
    devices,
  })
  return { state, providers, devices, operations }
}
