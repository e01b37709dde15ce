import { ArnFormat, type CustomResource, Duration, Stack } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { type Deployment, physicalName } from '../deployment.ts'
import type { DevicePolicy } from './device-policy.ts'
import { HeliographFunction } from './function.ts'
import { madeBy } from './made-by.ts'
import type { Stores } from './stores.ts'

export interface StageDevicesProps extends Deployment {
  readonly stores: Stores
  readonly policy: DevicePolicy
}

const policyActions = [
  'iot:ListTargetsForPolicy',
  'iot:ListPolicyVersions',
  'iot:DeletePolicyVersion',
  'iot:DeletePolicy',
]

const certificateActions = [
  'iot:DescribeCertificate',
  'iot:ListPrincipalThings',
  'iot:DetachThingPrincipal',
  'iot:DetachPolicy',
  'iot:UpdateCertificate',
  'iot:DeleteCertificate',
]

/**
 * The devices of a stage that is destroyed completely, as a resource: when the stack is deleted, so
 * are their things and certificates. A stage that keeps its data does not have this function,
 * because nobody should be able to call it there.
 */
export class StageDevices extends Construct {
  readonly #resource: CustomResource

  constructor(scope: Construct, id: string, props: StageDevicesProps) {
    super(scope, id)
    const { stage, stores, policy } = props
    const emptier = new HeliographFunction(this, 'empty', props, {
      description:
        'Takes the things and certificates of all devices away when the stack is deleted',
      timeoutSeconds: 15 * 60,
      memoryMegabytes: 256,
    })
    emptier.set(variable.registryCallsPerSecond, String(stage.registryCallsPerSecond))
    policy.tell(emptier)
    stores.devices.grant(emptier, 'Scan')
    emptier.allow(policyActions, [policy.policyArn])
    this.#permitRegistry(emptier)
    this.#permitRounds(emptier, physicalName(stage, 'empty'))
    const longest = Duration.hours(1)
    this.#resource = madeBy(emptier, this, 'StageDevices', { policy: policy.policyName }, longest)
    policy.outlive(this.#resource)
  }

  /** These go first, so that nobody gets a certificate while all are taken away. */
  outlive(...issuers: readonly HeliographFunction[]): void {
    for (const issuer of issuers) issuer.resource.node.addDependency(this.#resource)
  }

  #permitRegistry(emptier: HeliographFunction): void {
    const family = (resource: string) => this.#arn('iot', resource, '*')
    emptier.allowFamily({
      actions: certificateActions,
      resource: family('cert'),
      reason: 'IoT Core names a certificate after its content, when it is registered',
    })
    emptier.allowFamily({
      actions: ['iot:DeleteThing', 'iot:ListThingPrincipals'],
      resource: family('thing'),
      reason: 'A thing is named after its device, whose id is drawn at activation',
    })
    emptier.allowFamily({
      actions: ['iot:ListAttachedPolicies'],
      resource: '*',
      reason: 'IAM knows no resource for it; it tells the names of policies',
    })
  }

  /** It asks what happens to its own stack, and calls itself for the next round. */
  #permitRounds(emptier: HeliographFunction, functionName: string): void {
    emptier.allowFamily({
      actions: ['cloudformation:DescribeStacks'],
      resource: this.#arn('cloudformation', 'stack', `${Stack.of(this).stackName}/*`),
      reason: 'A stack gets its id when it is made; the name is its own',
    })
    // By name: the role would otherwise wait for the function and the function for the role.
    const self = Stack.of(this).formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: functionName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
    emptier.allow(['lambda:InvokeFunction'], [self])
  }

  #arn(service: string, resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({ service, resource, resourceName })
  }
}
