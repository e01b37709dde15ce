import { stageAlarms } from '@heliograph/aws/operator/watch'
import { awsOnly } from '../aws-stage.ts'
import type { Deployment } from '../deployment.ts'
import { isMachine, type MachineDeployment } from '../machine-deployment.ts'
import { examineMachine } from './machine.ts'

export interface AlarmState {
  readonly name: string
  readonly state: 'ok' | 'alarm' | 'unknown'
  /** Milliseconds since the epoch. */
  readonly since?: number
  readonly description: string
}

export interface Alarms {
  readonly alarms: readonly AlarmState[]
  readonly note?: string
}

/** The alarms of a stage; for a machine, its own health report. */
export async function alarmStates(deployment: Deployment): Promise<Alarms> {
  if (isMachine(deployment)) return { alarms: await alarmsOfMachine(deployment) }
  const { clients, stage } = awsOnly(deployment, 'it has alarms')
  try {
    return { alarms: await stageAlarms(clients.cloudWatch, stage) }
  } catch (fault) {
    if (!(fault instanceof Error) || !/^UnknownOperation/.test(fault.name)) throw fault
    return { alarms: [], note: 'The embedded cloud has no alarms.' }
  }
}

async function alarmsOfMachine({ machine }: MachineDeployment): Promise<AlarmState[]> {
  const findings = examineMachine(await machine.state())
  return findings.map(({ check, state, detail }) => ({
    name: check,
    state: state === 'ok' ? 'ok' : 'alarm',
    description: detail,
  }))
}
