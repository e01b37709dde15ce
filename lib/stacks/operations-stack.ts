import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { Alarms } from '../constructs/alarms.ts'
import type { Deployment } from '../deployment.ts'
import type { DevicesStack } from './devices-stack.ts'
import type { ProvidersStack } from './providers-stack.ts'
import type { StateStack } from './state-stack.ts'

export interface OperationsStackProps extends StackProps {
  readonly state: StateStack
  readonly providers: ProvidersStack
  readonly devices: DevicesStack
}

/** What tells the people on call that something is wrong. */
export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, { stage }: Deployment, props: OperationsStackProps) {
    super(scope, id, props)
    const { state, providers, devices } = props
    new Alarms(this, 'Alarms', {
      stage,
      notifications: state.notifications.queue,
      notificationDeadLetters: state.notifications.deadLetters.queue,
      eventDeadLetters: state.deadLetters.queue,
      ruleErrors: state.ruleErrors.queue,
      providerPath: [providers.accept, providers.deliver, providers.feedback],
      devicePath: [devices.activate, devices.expire, ...Object.values(devices.upstream)],
      upkeep: [state.tokenKeyRing.rotator],
    })
  }
}
