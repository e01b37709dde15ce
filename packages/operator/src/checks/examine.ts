import { isAws } from '../aws-stage.ts'
import { authorityCheck } from './authorities.ts'
import {
  activationCheck,
  deviceEndpointCheck,
  providerEdgeCheck,
  tokenEdgeCheck,
} from './entrances.ts'
import { type Check, type Finding, ok, type Patient, problem } from './finding.ts'
import { machineCheck } from './machine.ts'
import { tokenKeyCheck } from './token-keys.ts'

/** All checks of a stage on AWS, in the order in which one failure explains the next. */
async function awsChecks(): Promise<readonly Check[]> {
  // loaded when they are used: they bring parts of the AWS SDK
  const { truststoreCheck } = await import('./truststore.ts')
  const { canaryCheck } = await import('./canary.ts')
  const { eventCheck } = await import('./events.ts')
  const { deadLetterCheck, devicePolicyCheck, directMessageCheck } = await import('./devices.ts')
  return [
    authorityCheck('provider'),
    authorityCheck('device'),
    truststoreCheck,
    tokenKeyCheck,
    devicePolicyCheck,
    directMessageCheck,
    ...entranceChecks,
    deadLetterCheck,
    eventCheck,
    canaryCheck,
  ]
}

const entranceChecks = [providerEdgeCheck, tokenEdgeCheck, activationCheck, deviceEndpointCheck]

const machineChecks: readonly Check[] = [
  machineCheck,
  authorityCheck('provider'),
  authorityCheck('device'),
  tokenKeyCheck,
  ...entranceChecks,
]

/** Is told about the progress of an examination. */
export interface Examination {
  /** The names of all checks, before the first has found anything. */
  begin(checks: readonly string[]): void
  /** What one check has found, in the order in which they finish. */
  found(check: string, findings: readonly Finding[]): void
}

const nobody: Examination = { begin: () => {}, found: () => {} }

/** Examines a deployment end to end. It changes nothing, and one failing check stops no other. A canary is sent to. */
export async function examine(patient: Patient, hear = nobody): Promise<readonly Finding[]> {
  const checks = await checksOf(patient)
  hear.begin(checks.map(({ name }) => name))
  const found = await Promise.all(
    checks.map(async (check) => {
      const findings = await runCheck(check, patient)
      hear.found(check.name, findings)
      return findings
    }),
  )
  return found.flat()
}

async function checksOf({ deployment }: Patient): Promise<readonly Check[]> {
  const checks = isAws(deployment) ? await awsChecks() : machineChecks
  const there = isAws(deployment)
    ? ok('stacks', `stage ${deployment.stage} is deployed and has every output`)
    : ok('machine', `the server of stage ${deployment.stage} answers on its socket`)
  return [{ name: there.check, run: async () => [there] }, ...checks]
}

async function runCheck(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check.run(patient)
  } catch (fault) {
    const text = fault instanceof Error ? fault.message : String(fault)
    return [problem(check.name, `the check itself failed: ${text}`)]
  }
}
