import type { Emptying } from '@heliograph/core/devices/empty'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { count, fields, type Report } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'
import { parseWhole } from '../values.ts'

export function addStageCommands(program: Command, run: Runner): void {
  const stage = program.command('stage').description('the stage as a whole')
  addEmpty(stage, run)
}

interface EmptyFlags {
  readonly yes?: boolean
  readonly rate: string
}

function addEmpty(stage: Command, run: Runner): void {
  stage
    .command('empty')
    .description('remove all devices from IoT Core, before the stacks are deleted')
    .argument('<name>', 'the name of the stage, to confirm that you mean this one')
    .option('--yes', 'do it')
    .option('--rate <n>', 'calls a second of each operation of IoT Core', '5')
    .addHelpText('after', emptyHelp)
    .action((name: string, flags: EmptyFlags, command: Command) =>
      run(command, (session) => empty(session, name, flags)),
    )
}

const emptyHelp = `
For a stage that keeps its data; a "destroy" stage does this by itself. It removes every
thing and certificate of the stage, so no device can ever connect again with the
certificate it has. Tables, queues and keys stay. It works on five devices a second; you
can interrupt it and run it again. Then wait five minutes, because IoT Core may keep the
device policy that long, and run cdk destroy.

Examples:
  heliograph --target aws --stage prod stage empty prod --yes
  heliograph stage empty local --yes --rate 100 --json`

async function empty(session: Session, name: string, flags: EmptyFlags): Promise<Report> {
  const perSecond = parseWhole('--rate', flags.rate, 1, 1_000)
  const deployment = await session.deployment()
  const { stage } = deployment
  if (name !== stage)
    throw new Failure('usage', `this is stage ${stage} and not ${name}: nothing was done`)
  demandYes(
    flags.yes,
    `every device of stage ${stage} loses its certificate and can never connect again, and this cannot be undone`,
  )
  // loaded when it is used: it brings parts of the AWS SDK
  const { emptyOfDevices } = await import('../operations/empty-stage.ts')
  const progress = (state: Emptying) => session.terminal.note(progressText(state))
  const { certificates, devices } = await emptyOfDevices(deployment, { perSecond, progress })
  const text = fields({
    stage,
    certificates: `${certificates} removed`,
    devices: `${count(devices, 'record')} processed, all removed from IoT Core`,
  })
  return { value: { stage, certificates, devices }, text }
}

function progressText({ certificates, devices }: Emptying): string {
  return `${count(certificates, 'certificate')} removed, ${count(devices, 'record')} gone through`
}
