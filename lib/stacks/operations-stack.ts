import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { Alarms } from '../constructs/alarms.ts'
import { Canary } from '../constructs/canary.ts'
import { CertificateWatch } from '../constructs/certificate-watch.ts'
import { KeyWatch } from '../constructs/key-watch.ts'
import { OutcomeMetrics } from '../constructs/outcome-metrics.ts'
import { addOutputs } from '../constructs/outputs.ts'
import { ServiceDashboard } from '../constructs/service-dashboard.ts'
import type { Deployment } from '../deployment.ts'
import type { DevicesStack } from './devices-stack.ts'
import type { ProvidersStack } from './providers-stack.ts'
import type { StateStack } from './state-stack.ts'

export interface OperationsStackProps extends StackProps {
  readonly state: StateStack
  readonly providers: ProvidersStack
  readonly devices: DevicesStack
}

/** Shows the people on call how the service is doing, and notifies them if something is wrong. */
export class OperationsStack extends Stack {
  readonly alarms: Alarms

  constructor(scope: Construct, id: string, deployment: Deployment, props: OperationsStackProps) {
    super(scope, id, props)
    const { stage } = deployment
    const { state, providers, devices } = props
    new OutcomeMetrics(this, 'Outcomes', stage)
    const certificates = new CertificateWatch(this, 'Certificates', deployment, state)
    const keys = watchKeys(this, deployment, props)
    const canary = stage.canary ? canaryOf(this, deployment, props) : undefined
    this.alarms = new Alarms(this, 'Alarms', {
      stage,
      notifications: state.notifications.queue,
      notificationDeadLetters: state.notifications.deadLetters.queue,
      eventDeadLetters: state.deadLetters.queue,
      outcomeDeadLetters: state.outcomes.deadLetters.queue,
      announcementDeadLetters: state.announcements.deadLetters.queue,
      ruleErrors: state.ruleErrors.queue,
      providerEdge: providers.edge,
      tokenStage: providers.tokens?.stage,
      providerPath: [
        providers.accept,
        providers.deliver,
        providers.feedback,
        providers.record,
        providers.receipt,
        providers.announce,
        providers.channel,
      ],
      devicePath: [devices.activate, devices.expire, ...Object.values(devices.upstream)],
      upkeep: [state.tokenKeyRing.rotator, certificates.inspector],
      keys,
    })
    new ServiceDashboard(this, 'Dashboard', {
      stage,
      state,
      providers,
      devices,
      alarms: this.alarms.all,
    })
    addOutputs(this, {
      InspectFunction: certificates.inspector.resource.functionName,
      KeyUses: keys.uses.queue.queueUrl,
    })
    if (canary) addOutputs(this, { CanaryFunction: canary.flier.resource.functionName })
  }
}

function canaryOf(
  scope: Construct,
  deployment: Deployment,
  { devices: { activationUrl } }: OperationsStackProps,
): Canary {
  return new Canary(scope, 'Canary', { ...deployment, activationUrl })
}

function watchKeys(
  scope: Construct,
  { stage }: Deployment,
  { state, providers, devices }: OperationsStackProps,
): KeyWatch {
  const { register, connect, unregister, renew } = devices.upstream
  return new KeyWatch(scope, 'Keys', {
    stage,
    vault: state.vault,
    deviceSigners: [devices.activate, renew, state.authorities.maker],
    tokenReaders: [providers.accept, providers.deliver, register, connect, unregister],
  })
}
