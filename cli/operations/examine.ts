import { authorityCheck, truststoreCheck } from '../checks/authorities.ts'
import { deadLetterCheck, devicePolicyCheck } from '../checks/devices.ts'
import { activationCheck, deviceEndpointCheck, providerEdgeCheck } from '../checks/entrances.ts'
import { type Check, type Finding, ok, type Patient, problem } from '../checks/finding.ts'
import { tokenKeyCheck } from '../checks/token-keys.ts'

/** All checks, in the order in which one failure explains the next. */
export const checks: readonly Check[] = [
  authorityCheck('provider'),
  authorityCheck('device'),
  truststoreCheck,
  tokenKeyCheck,
  devicePolicyCheck,
  providerEdgeCheck,
  activationCheck,
  deviceEndpointCheck,
  deadLetterCheck,
]

/** Examines a deployment end to end. It changes nothing, and one failing check stops no other. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { stage } = patient.deployment
  const found = await Promise.all(checks.map((check) => runCheck(check, patient)))
  return [ok('stacks', `stage ${stage} is deployed and has every output`), ...found.flat()]
}

async function runCheck(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check.run(patient)
  } catch (fault) {
    const text = fault instanceof Error ? fault.message : String(fault)
    return [problem(check.name, `the check itself failed: ${text}`)]
  }
}
