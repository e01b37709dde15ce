import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { readBytes, readSecret, refuseExisting, writePrivate } from '../files.ts'
import { machineOnly } from '../machine-deployment.ts'
import { openMoveFile, sealMoveFile } from '../move-file.ts'
import { exportStage, importStage } from '../operations/move.ts'
import { parseMoveRecords } from '../operations/move-record.ts'
import { knownPassphrase } from '../passphrase.ts'
import { count, fields, type Report } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'

/** What takes a deployment to another. */
export function addMoveCommands(program: Command, run: Runner): void {
  addExport(program, run)
  addImport(program, run)
}

interface ExportFlags {
  readonly to: string
  readonly passphraseFile: string
  readonly final?: boolean
}

function addExport(program: Command, run: Runner): void {
  program
    .command('export')
    .description('write everything that can be used in another deployment into one encrypted file')
    .requiredOption('--to <file>', 'a file that does not exist')
    .requiredOption('--passphrase-file <file>', 'what the file is encrypted with')
    .option('--final', 'first close this machine, so that nothing comes that is not in the file')
    .addHelpText('after', exportHelp)
    .action((flags: ExportFlags, command: Command) =>
      run(command, (session) => exportTo(session, flags)),
    )
}

const exportHelp = `
Token keys, devices with their certificates and registrations, pending notifications, channels
with what they store, provider keys and the records of provider certificates. Not the keys of the
CAs: docs/one-machine.md says what that means. Whoever has the file and its passphrase can make tokens.

With --final a machine first takes nothing more: providers hear 503, what is under way comes to its
end, and nothing changes until the devices have moved (move announce) or move cancel.

Examples:
  heliograph --target machine export --to fleet.export --passphrase-file passphrase
  heliograph --target machine export --final --to fleet.export --passphrase-file passphrase --json`

const MIN_PASSPHRASE = 12

async function exportTo(
  session: Session,
  { to, passphraseFile, final }: ExportFlags,
): Promise<Report> {
  refuseExisting([to], 'choose another --to')
  const passphrase = await readSecret(passphraseFile, 'passphrase file')
  if (passphrase.length < MIN_PASSPHRASE)
    throw new Failure('usage', `the passphrase needs at least ${MIN_PASSPHRASE} characters`)
  const deployment = await session.deployment()
  if (final)
    await machineOnly(
      deployment,
      'stop the providers of a stage on AWS, and wait until its queue is empty',
    ).machine.closeForMove()
  const lines: string[] = []
  let devices = 0
  for await (const record of exportStage(deployment)) {
    if (record.kind === 'device') devices += 1
    lines.push(JSON.stringify(record))
  }
  await writePrivate(to, await sealMoveFile(lines.join('\n'), passphrase))
  const text = fields({
    export: to,
    holds: `${count(devices, 'device')}, and the keys that their tokens are made with`,
    next: `heliograph --target … import --from ${to} --passphrase-file … --yes`,
  })
  return { value: { file: to, devices, records: lines.length }, text }
}

interface ImportFlags {
  readonly from: string
  readonly passphraseFile?: string
  readonly yes?: boolean
}

function addImport(program: Command, run: Runner): void {
  program
    .command('import')
    .description('import what another deployment exported')
    .requiredOption('--from <file>', 'a file that heliograph export has made')
    .option('--passphrase-file <file>', 'what it is encrypted with')
    .option('--yes', 'do it')
    .addHelpText('after', importHelp)
    .action((flags: ImportFlags, command: Command) =>
      run(command, (session) => importFrom(session, flags)),
    )
}

const importHelp = `
It may be repeated; a later export brings what is new. Provider certificates were issued by the
CA of the other deployment: a machine lets them in, a stage on AWS does not (issue new ones, or have
providers use tokens).

Examples:
  heliograph --target aws --stage prod import --from fleet.export --passphrase-file passphrase --yes
  heliograph import --from fleet.export --passphrase-file passphrase --yes --json`

async function importFrom(session: Session, flags: ImportFlags): Promise<Report> {
  const { from, passphraseFile, yes } = flags
  const file = await readBytes(from, 'export')
  const text = await openMoveFile(file, await knownPassphrase(session, from, passphraseFile))
  const records = parseMoveRecords(text)
  const deployment = await session.deployment()
  demandYes(yes, `stage ${deployment.stage} will know every device and token of the export`)
  const moved = await importStage(deployment, records)
  const report = fields({
    ...{ 'token keys': moved.tokenKeys, devices: moved.devices },
    ...{ registrations: moved.registrations, pending: moved.pending },
    ...{ 'provider keys': moved.providerKeys, channels: moved.channels },
    'provider certificates': deployment.ports.otherAuthorities
      ? `${moved.providers} on record, and let in`
      : `${moved.providers} on record; issue new ones (provider issue)`,
  })
  return { value: moved, text: report }
}
