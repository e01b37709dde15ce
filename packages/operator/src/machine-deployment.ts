import type { IncomingMessage } from 'node:http'
import { openMachineClient } from '@heliograph/machine/operator/client'
import type { MachineOperations } from '@heliograph/machine/operator/contract'
import { systemClock, systemIds } from '@heliograph/machine/world'
import type { Deployment } from './deployment.ts'
import { Failure } from './failure.ts'

/** A server on this machine, reached through the socket in its state folder. */
export interface MachineDeployment extends Deployment {
  readonly machine: MachineOperations
  download(name: 'backup' | 'export', argument?: unknown): Promise<IncomingMessage>
}

export async function openMachine(state: string): Promise<MachineDeployment> {
  const client = openMachineClient(state)
  try {
    const { machine, ...ports } = client.ports
    const { stage } = await machine.state()
    return {
      ...{ stage, ports, machine, clock: systemClock, ids: systemIds() },
      download: (name, argument) => client.download(name, argument),
      close: async () => client.close(),
    }
  } catch (fault) {
    client.close()
    throw fault
  }
}

export function isMachine(deployment: Deployment): deployment is MachineDeployment {
  return 'machine' in deployment
}

/** The server on this machine, for what exists only there; `instead` says what to do on AWS. */
export function machineOnly(deployment: Deployment, instead: string): MachineDeployment {
  if (isMachine(deployment)) return deployment
  throw new Failure('refused', `this is for one machine (--target machine): ${instead}`)
}
