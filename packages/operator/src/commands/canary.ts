import type { CanaryReport } from '@heliograph/core/canary/run-canary'
import type { Command } from 'commander'
import { awsOnly } from '../aws-stage.ts'
import { fields, type Report, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'

export function addCanaryCommands(program: Command, run: Runner): void {
  const canary = program
    .command('canary')
    .description('the device of the service that is sent to every minute')
  addEnroll(canary, run)
  addRun(canary, run)
}

const IT_HAS_A_CANARY = 'one machine has no canary, docs/one-machine.md says what to watch there'

function addEnroll(canary: Command, run: Runner): void {
  canary
    .command('enroll')
    .description('make the canary a provider and a device, and revoke who it was before')
    .addHelpText('after', enrollHelp)
    .action((_options: object, command: Command) => run(command, enroll))
}

const enrollHelp = `
Once after a deployment with -c canary=true, and whenever the canary is to be somebody
else. It makes its keys itself; the certificate is for the topic heliograph.canary alone.

Examples:
  heliograph canary enroll
  heliograph --target aws --stage prod canary enroll`

async function enroll(session: Session): Promise<Report> {
  const deployment = awsOnly(await session.deployment(), IT_HAS_A_CANARY)
  // loaded when it is used: it brings parts of the AWS SDK
  const { enrollCanary } = await import('../operations/canary.ts')
  const enrolled = await enrollCanary(deployment)
  const { deviceId, fingerprint, notAfter, replacedDevice, revoked } = enrolled
  const text = fields({
    device: deviceId,
    certificate: `${fingerprint}, valid until ${timeText(notAfter)}`,
    'device before': replacedDevice === undefined ? 'none' : `${replacedDevice}, revoked`,
    'certificates before': revoked === 0 ? 'none' : `${revoked} revoked`,
  })
  return { value: enrolled, text }
}

function addRun(canary: Command, run: Runner): void {
  canary
    .command('run')
    .description('send to the canary now and say how long it took, or where it ended')
    .addHelpText('after', runHelp)
    .action((_options: object, command: Command) => run(command, fly))
}

const runHelp = `
Exit code 1 if the canary did not hear it. It can take a minute to know that.

Examples:
  heliograph canary run
  heliograph --target aws --stage prod canary run --json`

async function fly(session: Session): Promise<Report> {
  const deployment = awsOnly(await session.deployment(), IT_HAS_A_CANARY)
  const { runCanary } = await import('../operations/canary.ts')
  const report = await runCanary(deployment)
  return { value: report, text: describe(report), ...(!report.heard && { exit: 'failed' }) }
}

function describe(report: CanaryReport): string {
  const { acceptanceMs, uniqueId = 'none' } = report
  const answer = acceptanceMs === undefined ? 'none' : `after ${Math.round(acceptanceMs)} ms`
  return fields({
    heard: report.heard ? `after ${Math.round(report.deviceMs)} ms` : 'no',
    answer,
    'apns-unique-id': uniqueId,
    ...(!report.heard && { 'ended at': report.step, why: report.detail }),
  })
}
