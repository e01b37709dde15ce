import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { ProviderKey } from '@heliograph/core/ports'
import { MAX_TRUST_SECONDS } from '@heliograph/protocol/limits'
import type { Command } from 'commander'
import { draftPrivate, readText, refuseExisting } from '../files.ts'
import { checkProviderToken } from '../operations/check-provider-token.ts'
import { checkTopics } from '../operations/issue-provider.ts'
import {
  checkKeyId,
  checkTeamId,
  createProviderKey,
  importProviderKey,
  listProviderKeys,
  newProviderKeyId,
  revokeProviderKey,
} from '../operations/provider-keys.ts'
import { fields, type Report, shortList, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'

export function addProviderKeyCommands(provider: Command, run: Runner): void {
  const key = provider
    .command('key')
    .description('keys that providers sign tokens with, in place of a certificate')
  addCreate(key, run)
  addImport(key, run)
  addList(key, run)
  addRevoke(key, run)
  addCheck(key, run)
}

interface CreateOptions {
  readonly team: string
  readonly keyId?: string
  readonly out?: string
  readonly force?: boolean
}

function addCreate(key: Command, run: Runner): void {
  key
    .command('create')
    .description('create a key for a team and put its public half on record')
    .argument('<topic...>', "bundle ids, with the push type's suffix if there is one")
    .requiredOption('--team <id>', '10 capital letters and digits; iss of the tokens')
    .option('--key-id <id>', 'the same; kid of the tokens (default: made)')
    .option('--out <path>', 'the .p8 file, mode 0600, or a folder (default: AuthKey_<key id>.p8)')
    .option('--force', 'replace an existing file')
    .addHelpText('after', createHelp)
    .action((topics: string[], options: CreateOptions, command: Command) =>
      run(command, (session) => create(session, topics, options)),
    )
}

const createHelp = `
The private half exists only in this file; client libraries read it as they read
Apple's. Topics are matched exactly: to send to com.example.app.voip, name it, too.

Examples:
  heliograph provider key create --team ABCDE12345 com.example.app
  heliograph provider key create --team ABCDE12345 com.example.app com.example.app.voip --out keys/`

async function create(session: Session, topics: string[], options: CreateOptions): Promise<Report> {
  checkTopics(topics)
  checkTeamId(options.team)
  const keyId = options.keyId === undefined ? newProviderKeyId() : checkKeyId(options.keyId)
  const path = fileOf(keyId, options.out)
  const { force = false, team } = options
  if (!force) refuseExisting([path])
  const store = (p8: string) => draftPrivate(path, p8, force)
  const record = await createProviderKey(await session.deployment(), { topics, team, keyId }, store)
  return { value: { ...record, file: path }, text: describe(record, { 'private key': path }) }
}

/** Apple's name for the file, in the given folder, if any. */
function fileOf(keyId: string, out: string | undefined): string {
  const name = `AuthKey_${keyId}.p8`
  if (out === undefined) return name
  const isFolder = out.endsWith('/') || statSync(out, { throwIfNoEntry: false })?.isDirectory()
  return isFolder ? join(out, name) : out
}

interface ImportOptions {
  readonly team: string
  readonly keyId: string
  readonly publicKey: string
}

function addImport(key: Command, run: Runner): void {
  key
    .command('import')
    .description("put the public half of a team's existing key on record")
    .argument('<topic...>', "bundle ids, with the push type's suffix if there is one")
    .requiredOption('--team <id>', '10 capital letters and digits; iss of the tokens')
    .requiredOption('--key-id <id>', 'the same; kid of the tokens')
    .requiredOption('--public-key <file>', 'PEM, or - for standard input')
    .addHelpText('after', importHelp)
    .action((topics: string[], options: ImportOptions, command: Command) =>
      run(command, (session) => importKey(session, topics, options)),
    )
}

const importHelp = `
The team keeps its .p8; only the public half is needed here:
  openssl pkey -in AuthKey_ABC123DEFG.p8 -pubout -out public.pem

Examples:
  heliograph provider key import --team ABCDE12345 --key-id ABC123DEFG --public-key public.pem com.example.app`

async function importKey(
  session: Session,
  topics: string[],
  { team, keyId, publicKey }: ImportOptions,
): Promise<Report> {
  checkTopics(topics)
  checkTeamId(team)
  checkKeyId(keyId)
  const pem =
    publicKey === '-' ? await session.terminal.readInput() : await readText(publicKey, 'public key')
  const record = await importProviderKey(await session.deployment(), { topics, team, keyId }, pem)
  return { value: record, text: describe(record) }
}

function describe({ keyId, teamId, topics }: ProviderKey, more: Record<string, string> = {}) {
  return fields({ 'key id': keyId, 'team id': teamId, topics: topics.join(', '), ...more })
}

function addList(key: Command, run: Runner): void {
  key
    .command('list')
    .description('every provider key on record, newest first')
    .addHelpText(
      'after',
      '\nExamples:\n  heliograph provider key list\n  heliograph provider key list --json',
    )
    .action((_options: object, command: Command) => run(command, list))
}

async function list(session: Session): Promise<Report> {
  const keys = await listProviderKeys(await session.deployment())
  const value = keys.map((key) => ({
    ...key,
    state: key.revokedAt === undefined ? 'live' : 'revoked',
  }))
  const rows = value.map((key) => [
    key.keyId,
    key.teamId,
    key.state,
    timeText(key.createdAt),
    shortList(key.topics),
  ])
  const text = table(['KEY', 'TEAM', 'STATE', 'CREATED', 'TOPICS'], rows)
  return { value, text: rows.length > 0 ? text : 'no provider key is on record' }
}

function addRevoke(key: Command, run: Runner): void {
  key
    .command('revoke')
    .description('refuse every token of a key from now on, permanently')
    .argument('<key id>', 'see provider key list')
    .addHelpText('after', revokeHelp)
    .action((keyId: string, _options: object, command: Command) =>
      run(command, (session) => revoke(session, keyId)),
    )
}

const revokeHelp = `
Running functions cache a key for at most 30 seconds; after that, and at once if it was
not cached, the answer is 403. Devices can no longer register for its topics, unless a
certificate or another key names them.

Examples:
  heliograph provider key revoke ABC123DEFG`

async function revoke(session: Session, id: string): Promise<Report> {
  const keyId = checkKeyId(id)
  const record = await revokeProviderKey(await session.deployment(), keyId)
  const effectiveBy = (record.revokedAt ?? 0) + MAX_TRUST_SECONDS * 1000
  const text = fields({
    revoked: `${record.keyId} of team ${record.teamId} (${record.topics.join(', ')})`,
    since: timeText(record.revokedAt),
    'in effect': `everywhere by ${timeText(effectiveBy)}`,
  })
  return { value: { ...record, effectiveBy }, text }
}

interface CheckOptions {
  readonly token: string
  readonly topic?: string
}

function addCheck(key: Command, run: Runner): void {
  key
    .command('check')
    .description('what the service says of a provider token, step by step')
    .requiredOption('--token <file>', 'the token (JWT), or - for standard input')
    .option('--topic <topic>', 'also whether its key may send to this topic')
    .addHelpText('after', checkHelp)
    .action((options: CheckOptions, command: Command) =>
      run(command, (session) => check(session, options)),
    )
}

const checkHelp = `
A token is as good as its key for an hour, so it is no argument of the command. Exit code 4
if the service refuses it.

Examples:
  heliograph provider key check --token token.jwt --topic com.example.app
  make-token | heliograph provider key check --token -`

async function check(session: Session, { token, topic }: CheckOptions): Promise<Report> {
  const text =
    token === '-'
      ? await session.terminal.readInput()
      : await readText(token, 'file of the provider token')
  const checked = await checkProviderToken(await session.deployment(), text, topic)
  const { reason, explanation, checks, expiresAt } = checked
  const rows = checks.map(({ good, name, detail }) => [good ? 'good' : 'bad', name, detail])
  const head = fields({
    answer: reason ?? 'taken',
    'what it means': explanation.meaning,
    'what to do': explanation.advice,
    until: expiresAt === undefined ? undefined : timeText(expiresAt),
  })
  const report = { value: checked, text: `${head}\n\n${table(['STEP', 'OF', 'FINDING'], rows)}` }
  return reason === undefined ? report : { ...report, exit: 'refused' }
}
