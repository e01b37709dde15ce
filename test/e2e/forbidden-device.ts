import {
  AttachPolicyCommand,
  DetachPolicyCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot'
import { clientOptions } from './support.ts'
import type { Target } from './target.ts'

/** Takes the device's policy away while it is connected; returns what gives it back. */
export async function forbidDevice(target: Target, thingName = ''): Promise<() => Promise<void>> {
  const iot = new IoTClient(clientOptions(target))
  const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }))
  const principal = principals[0] ?? ''
  const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target: principal }))
  const policyName = policies[0]?.policyName
  await iot.send(new DetachPolicyCommand({ policyName, target: principal }))
  return async () => {
    await iot.send(new AttachPolicyCommand({ policyName, target: principal }))
    iot.destroy()
  }
}
