import type { StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment.ts'
import { DevicesStack } from './stacks/devices-stack.ts'
import { OperationsStack } from './stacks/operations-stack.ts'
import { ProvidersStack } from './stacks/providers-stack.ts'
import { StateStack } from './stacks/state-stack.ts'

/** The four stacks of one stage. */
export interface Heliograph {
  readonly state: StateStack
  readonly providers: ProvidersStack
  readonly devices: DevicesStack
  readonly operations: OperationsStack
}

/** Adds a stage's stacks to the app: `Heliograph-<stage>-State`, `-Providers`, `-Devices`, `-Operations`. */
export function addHeliograph(app: Construct, deployment: Deployment): Heliograph {
  const { stage } = deployment
  const id = (part: string) => `Heliograph-${stage.name}-${part}`
  const common = {
    env: stage.env,
    tags: { 'heliograph:stage': stage.name },
    terminationProtection: stage.terminationProtection,
  } satisfies StackProps
  const state = new StateStack(app, id('State'), deployment, {
    ...common,
    description: `Heliograph ${stage.name}: tables, queues, keys and certificate authorities`,
  })
  const providers = new ProvidersStack(app, id('Providers'), deployment, {
    ...common,
    state,
    description: `Heliograph ${stage.name}: from a provider's request to the device`,
  })
  const devices = new DevicesStack(app, id('Devices'), deployment, {
    ...common,
    state,
    description: `Heliograph ${stage.name}: activation and what devices say`,
  })
  const operations = new OperationsStack(app, id('Operations'), deployment, {
    ...common,
    state,
    providers,
    devices,
    description: `Heliograph ${stage.name}: alarms`,
  })
  return { state, providers, devices, operations }
}
