import type { Command } from 'commander'
import { examine } from '../checks/examine.ts'
import type { Finding } from '../checks/finding.ts'
import { count, type Report, table } from '../report.ts'
import type { Runner, Session } from '../session.ts'

export function addDoctorCommand(program: Command, run: Runner): void {
  program
    .command('doctor')
    .description('examine a deployment end to end and say what is wrong')
    .addHelpText('after', doctorHelp)
    .action((_options: object, command: Command) => run(command, doctor))
}

const doctorHelp = `
Checks the CAs and their keys, the truststore, the token keys, the device policy,
direct messages, DNS, TLS and HTTP/2 of the entrances, the clocks, the dead letters and
the event topic, and sends to the canary, if there is one. It changes nothing. Exit code 1 if it finds
a problem; warnings do not count.

Examples:
  heliograph doctor
  heliograph --target aws --stage prod doctor --json`

async function doctor(session: Session): Promise<Report> {
  const [deployment, entrances] = await Promise.all([session.deployment(), session.entrances()])
  const findings = await examine({ deployment, entrances })
  const report = { value: findings, text: describe(findings) }
  return howMany(findings, 'problem') > 0 ? { ...report, exit: 'failed' } : report
}

function describe(findings: readonly Finding[]): string {
  const rows = findings.map(({ state, check, detail }) => [state, check, detail])
  const problems = count(howMany(findings, 'problem'), 'problem')
  const warnings = count(howMany(findings, 'warning'), 'warning')
  return `${table(['STATE', 'CHECK', 'FINDING'], rows)}\n\n${problems}, ${warnings}`
}

function howMany(findings: readonly Finding[], state: Finding['state']): number {
  return findings.filter((finding) => finding.state === state).length
}
