import type { MachineState } from '@heliograph/machine/operator/contract'
import { machineOnly } from '../machine-deployment.ts'
import { count, dayText } from '../report.ts'
import { type Check, type Finding, ok, problem, warning } from './finding.ts'

/** Below these the next backup, or the next day, may not fit. */
const LEAST_FREE_BYTES = 256 * 1024 * 1024
const LEAST_FREE_SHARE = 0.1
const MEGABYTE = 1024 * 1024

/** What the server says of its state folder, its disk and its key. */
export const machineCheck: Check = {
  name: 'state folder',
  async run({ deployment }) {
    const { machine } = machineOnly(deployment, 'it has a state folder')
    return examineMachine(await machine.state())
  },
}

export function examineMachine(state: MachineState): Finding[] {
  return [judgeService, judgeFolder, judgeDisk, judgeKey, judgeDeadLetters].map((judge) =>
    judge(state),
  )
}

function judgeService({ problem: why, connectedDevices }: MachineState): Finding {
  return why === undefined
    ? ok('service', `accepts notifications; ${count(connectedDevices, 'device')} connected`)
    : problem('service', why)
}

function judgeFolder({ folder, folderMode, format }: MachineState): Finding {
  const since = `format ${format.version}, made on ${dayText(format.createdAt)}`
  return (folderMode & 0o077) === 0
    ? ok('state folder', `${folder} has ${since}, and is its owner's only`)
    : warning('state folder', `${folder} can be looked into by others: chmod 700 ${folder}`)
}

function judgeDisk({ disk: { free, total }, databaseBytes }: MachineState): Finding {
  const megabytes = (bytes: number) => `${Math.floor(bytes / MEGABYTE)} MB`
  const text = `${megabytes(free)} of ${megabytes(total)} are free; the database has ${megabytes(databaseBytes)}`
  const least = Math.max(LEAST_FREE_BYTES, 2 * databaseBytes)
  if (free < databaseBytes || free < LEAST_FREE_BYTES / 4)
    return problem('disk', `${text}: free some before notifications are refused`)
  return free < least || free < total * LEAST_FREE_SHARE
    ? warning('disk', `${text}: it is getting full`)
    : ok('disk', text)
}

function judgeKey({ keySource }: MachineState): Finding {
  return keySource === 'beside the data'
    ? warning('encryption key', 'is in the state folder and protects nothing: for development only')
    : ok('encryption key', `comes from the ${keySource}, apart from the data`)
}

function judgeDeadLetters({ deadLetters }: MachineState): Finding {
  return deadLetters === 0
    ? ok('dead letters', 'there are none')
    : warning('dead letters', `${count(deadLetters, 'notification')} given up: heliograph dlq list`)
}
