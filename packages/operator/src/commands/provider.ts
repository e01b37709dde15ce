import type { ProviderRecord } from '@heliograph/core/ports'
import { type RevocationReason, revocationReasons } from '@heliograph/core/trust/revocation-list'
import { MAX_TRUST_SECONDS } from '@heliograph/protocol/limits'
import { type Command, Option } from 'commander'
import { refuseExisting, writePrivate } from '../files.ts'
import {
  checkTopics,
  DEFAULT_DAYS,
  type IssuedProvider,
  issueProvider,
  MAX_DAYS,
} from '../operations/issue-provider.ts'
import {
  listProviders,
  makeRevocationList,
  providerState,
  revokeProvider,
} from '../operations/providers.ts'
import { newPassphrase } from '../passphrase.ts'
import { count, dayText, fields, type Report, shortList, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { parseWhole } from '../values.ts'
import { addProviderKeyCommands } from './provider-key.ts'

export function addProviderCommands(program: Command, run: Runner): void {
  const provider = program
    .command('provider')
    .description('certificates and keys of providers, who send notifications')
  addIssue(provider, run)
  addList(provider, run)
  addRevoke(provider, run)
  addCrl(provider, run)
  addProviderKeyCommands(provider, run)
}

interface IssueOptions {
  readonly out: string
  readonly days: string
  readonly passphraseFile?: string
  readonly force?: boolean
}

function addIssue(provider: Command, run: Runner): void {
  provider
    .command('issue')
    .description('make a key and a certificate for a provider')
    .argument('<topic...>', "bundle ids, with the push type's suffix if there is one")
    .requiredOption('--out <path>', 'writes <path>.p12, <path>.pem and <path>.key, mode 0600')
    .option('--days <n>', 'how long it is valid', String(DEFAULT_DAYS))
    .option(
      '--passphrase-file <file>',
      'passphrase of the .p12; prompted for or generated if absent',
    )
    .option('--force', 'replace existing files')
    .addHelpText('after', issueHelp)
    .action((topics: string[], options: IssueOptions, command: Command) =>
      run(command, (session) => issue(session, topics, options)),
    )
}

const issueHelp = `
Without a terminal or --passphrase-file, a passphrase is generated and written to
<path>.passphrase, mode 0600. The key exists only in these files.

Examples:
  heliograph provider issue com.example.app --out certs/app
  heliograph provider issue com.example.app com.example.app.voip --out certs/app --days 90
  heliograph --target aws --stage prod provider issue com.example.app --out certs/app --passphrase-file secret`

async function issue(session: Session, topics: string[], options: IssueOptions): Promise<Report> {
  checkTopics(topics)
  const days = parseWhole('--days', options.days, 1, MAX_DAYS)
  const files = filesOf(options.out)
  const given = await newPassphrase(session, options.passphraseFile)
  const written = given === undefined ? files : { ...files, passphrase: undefined }
  if (!options.force) refuseExisting(Object.values(written).filter((path) => path !== undefined))
  const order = { topics, days, ...(given !== undefined && { passphrase: given }) }
  const issued = await issueProvider(await session.deployment(), order)
  await writeFiles(issued, written)
  return issueReport(issued, written)
}

interface IssuedFiles {
  readonly p12: string
  readonly certificate: string
  readonly key: string
  readonly passphrase: string | undefined
}

function filesOf(out: string): IssuedFiles {
  return {
    p12: `${out}.p12`,
    certificate: `${out}.pem`,
    key: `${out}.key`,
    passphrase: `${out}.passphrase`,
  }
}

async function writeFiles(issued: IssuedProvider, files: IssuedFiles): Promise<void> {
  await writePrivate(files.key, issued.keyPem)
  await writePrivate(files.certificate, issued.certificatePem)
  await writePrivate(files.p12, issued.p12)
  if (files.passphrase) await writePrivate(files.passphrase, `${issued.passphrase}\n`)
}

function issueReport({ record }: IssuedProvider, files: IssuedFiles): Report {
  const { fingerprint, topics, notAfter } = record
  const text = fields({
    certificate: `${files.certificate}, valid until ${dayText(notAfter)}`,
    key: files.key,
    'PKCS#12': files.p12,
    passphrase: files.passphrase ?? 'as given',
    topics: topics.join(', '),
    fingerprint,
  })
  return { value: { ...record, files }, text }
}

function addList(provider: Command, run: Runner): void {
  provider
    .command('list')
    .description('every certificate issued, newest first')
    .addHelpText(
      'after',
      '\nExamples:\n  heliograph provider list\n  heliograph provider list --json',
    )
    .action((_options: object, command: Command) => run(command, list))
}

async function list(session: Session): Promise<Report> {
  const deployment = await session.deployment()
  const records = await listProviders(deployment)
  const now = deployment.clock.now()
  const value = records.map((record) => ({ ...record, state: providerState(record, now) }))
  const rows = value.map((record) => [
    record.fingerprint.slice(0, 16),
    record.state,
    dayText(record.notAfter),
    shortList(record.topics),
  ])
  const text = table(['FINGERPRINT', 'STATE', 'VALID UNTIL', 'TOPICS'], rows)
  return { value, text: rows.length > 0 ? text : 'no certificate has been issued' }
}

function addRevoke(provider: Command, run: Runner): void {
  provider
    .command('revoke')
    .description('refuse a certificate from now on, permanently')
    .argument('<which>', 'its .pem file, its fingerprint, or at least the first 8 digits of it')
    .addOption(
      new Option('--reason <reason>', 'for the record and the CRL (RFC 5280)')
        .choices(Object.keys(revocationReasons))
        .default('unspecified'),
    )
    .addHelpText('after', revokeHelp)
    .action((which: string, { reason }: { reason: RevocationReason }, command: Command) =>
      run(command, (session) => revoke(session, which, reason)),
    )
}

const revokeHelp = `
Running functions cache a certificate for at most 30 seconds; after that, and at
once if it was not cached, the answer is 403.

Examples:
  heliograph provider revoke certs/app.pem --reason keyCompromise
  heliograph provider revoke 4a9153e91be094bf --reason superseded`

async function revoke(session: Session, which: string, reason: RevocationReason): Promise<Report> {
  const record = await revokeProvider(await session.deployment(), which, reason)
  const effectiveBy = (record.revokedAt ?? 0) + MAX_TRUST_SECONDS * 1000
  return { value: { ...record, effectiveBy }, text: revocationText(record, effectiveBy) }
}

function revocationText(record: ProviderRecord, effectiveBy: number): string {
  return fields({
    revoked: `${record.fingerprint} (${record.topics.join(', ')})`,
    since: `${timeText(record.revokedAt)}, reason ${record.revocationReason}`,
    'in effect': `everywhere by ${timeText(effectiveBy)}`,
  })
}

function addCrl(provider: Command, run: Runner): void {
  provider
    .command('crl')
    .description('certificate revocation list (X.509 v2), signed by the provider CA')
    .option('--out <file>', 'write it there instead of printing it')
    .option('--days <n>', 'when the next one is due', '7')
    .addHelpText('after', crlHelp)
    .action((options: { out?: string; days: string }, command: Command) =>
      run(command, (session) => crl(session, options)),
    )
}

const crlHelp = `
The service itself reads its table; the list is for programs that verify chains.

Examples:
  heliograph provider crl > heliograph.crl
  heliograph provider crl --out heliograph.crl --days 30`

async function crl(
  session: Session,
  { out, days }: { out?: string; days: string },
): Promise<Report> {
  const due = parseWhole('--days', days, 1, 366)
  const { pem, revoked, nextUpdate } = await makeRevocationList(await session.deployment(), due)
  if (out === undefined) return { value: { pem, revoked, nextUpdate }, text: pem.trimEnd() }
  await writePrivate(out, pem)
  const text = `${out} lists ${count(revoked, 'certificate')}; the next is due on ${dayText(nextUpdate)}`
  return { value: { file: out, revoked, nextUpdate }, text }
}
