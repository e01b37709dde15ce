import type { Command } from 'commander'
import type { Alarms } from '../checks/alarms.ts'
import { failureOf } from '../fault.ts'
import type { DeviceFigures, QueueState } from '../operations/status.ts'
import { fields, type Report, spanText, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'

export function addStatusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description('how the deployment is now: queues, connected devices, alarms')
    .addHelpText('after', statusHelp)
    .action((_options: object, command: Command) => run(command, status))
}

const statusHelp = `
What cannot be read is left out, with the reason; exit code 1 if an alarm is on, or
something could not be read.

Examples:
  heliograph status
  heliograph --target aws --stage prod status --json | jq '.alarms[] | select(.state != "ok")'`

/** What was read, or why it could not be. */
type Part<T> = T | { readonly problem: string }

interface Status {
  readonly queues: Part<readonly QueueState[]>
  readonly devices: Part<DeviceFigures>
  readonly alarms: Part<Alarms>
}

async function status(session: Session): Promise<Report> {
  // loaded when they are used: they bring parts of the AWS SDK
  const { alarmStates } = await import('../checks/alarms.ts')
  const { deviceFigures, queueStates } = await import('../operations/status.ts')
  const deployment = await session.deployment()
  const [queues, devices, alarms] = await Promise.all([
    part(queueStates(deployment)),
    part(deviceFigures(deployment)),
    part(alarmStates(deployment)),
  ])
  const value: Status = { queues, devices, alarms }
  const report = { value, text: textOf(value) }
  return isWell(value) ? report : { ...report, exit: 'failed' }
}

async function part<T>(reading: Promise<T>): Promise<Part<T>> {
  try {
    return await reading
  } catch (fault) {
    const failure = failureOf(fault)
    if (!failure) throw fault
    return { problem: failure.message }
  }
}

function isWell({ queues, devices, alarms }: Status): boolean {
  if ([queues, devices, alarms].some((one) => 'problem' in one)) return false
  return 'problem' in alarms || alarms.alarms.every(({ state }) => state !== 'alarm')
}

function textOf({ queues, devices, alarms }: Status): string {
  return [
    partText(queues, (some) =>
      table(
        ['QUEUE', 'KIND', 'WAITING', 'IN FLIGHT', 'OLDEST'],
        some.map(({ name, kind, waiting, inFlight, oldestSeconds }) => [
          ...[name, kind === 'work' ? 'work' : 'dead letters', waiting, inFlight],
          oldestSeconds === undefined ? undefined : spanText(oldestSeconds * 1_000),
        ]),
      ),
    ),
    partText(devices, ({ connected, note }) =>
      fields({ 'connected devices': connected ?? 'not known', note }),
    ),
    partText(alarms, ({ alarms: some, note }) => note ?? alarmTable(some)),
  ].join('\n\n')
}

function partText<T extends object>(value: Part<T>, text: (value: T) => string): string {
  return 'problem' in value ? value.problem : text(value)
}

function alarmTable(alarms: Alarms['alarms']): string {
  const loudFirst = [...alarms].sort((a, b) => rank[a.state] - rank[b.state])
  const rows = loudFirst.map(({ name, state, since, description }) => [
    ...[state, name, since === undefined ? undefined : timeText(since), description],
  ])
  return rows.length > 0
    ? table(['STATE', 'ALARM', 'SINCE', 'ABOUT'], rows)
    : 'there are no alarms: deploy the Operations stack'
}

const rank = { alarm: 0, unknown: 1, ok: 2 } as const
