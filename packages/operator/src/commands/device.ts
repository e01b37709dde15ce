import type { DeviceRecord, Registration } from '@heliograph/core/ports'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { expireRegistration } from '../operations/expire-token.ts'
import { inviteDevices, MAX_INVITE_SECONDS } from '../operations/invite.ts'
import { revokeDevice } from '../operations/revoke-device.ts'
import { type DeviceView, type PendingSummary, showDevice } from '../operations/show-device.ts'
import { dayText, fields, type Report, type Row, spanText, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { parseSpan, parseWhole } from '../values.ts'
import { addSimulate } from './simulate.ts'

export function addDeviceCommands(program: Command, run: Runner): void {
  const device = program.command('device').description('devices, which receive notifications')
  addInvite(device, run)
  addList(device, run)
  addShow(device, run)
  addExpire(device, run)
  addRevoke(device, run)
  addSimulate(device, run)
}

interface InviteOptions {
  readonly count: string
  readonly ttl: string
}

function addInvite(device: Command, run: Runner): void {
  device
    .command('invite')
    .description('make one-time activation codes')
    .option('--count <n>', 'how many', '1')
    .option('--ttl <time>', 'how long they can be used (15m, 24h, 7d)', '24h')
    .addHelpText('after', inviteHelp)
    .action((options: InviteOptions, command: Command) =>
      run(command, (session) => invite(session, options)),
    )
}

const inviteHelp = `
A code gives one device its certificate. Only a hash of it is kept, so it is
shown only once.

Examples:
  heliograph device invite
  heliograph device invite --count 50 --ttl 7d --json > codes.json`

async function invite(session: Session, options: InviteOptions): Promise<Report> {
  const ttlSeconds = parseSpan('--ttl', options.ttl)
  if (ttlSeconds < 1 || ttlSeconds > MAX_INVITE_SECONDS)
    throw new Failure('usage', '--ttl must be between 1s and 366d')
  const order = { count: parseWhole('--count', options.count, 1, 1_000), ttlSeconds }
  const codes = await inviteDevices(await session.deployment(), order)
  return { value: codes, text: codes.map(({ code }) => code).join('\n') }
}

function addList(device: Command, run: Runner): void {
  device
    .command('list')
    .description('devices on record')
    .option('--limit <n>', 'how many at most', '100')
    .addHelpText(
      'after',
      '\nExamples:\n  heliograph device list\n  heliograph device list --limit 10000 --json',
    )
    .action(({ limit }: { limit: string }, command: Command) =>
      run(command, (session) => list(session, parseWhole('--limit', limit, 1, 1_000_000))),
    )
}

async function list(session: Session, limit: number): Promise<Report> {
  const { ports } = await session.deployment()
  const { devices, more } = await ports.devices.list(limit)
  const newestFirst = [...devices].sort((a, b) => b.activatedAt - a.activatedAt)
  const rows = newestFirst.map((device) => [
    device.deviceId,
    device.revokedAt === undefined ? 'active' : 'revoked',
    timeText(device.activatedAt),
    validUntil(device),
  ])
  const listed = table(['DEVICE', 'STATE', 'ACTIVATED', 'CERTIFICATE UNTIL'], rows)
  const rest = more ? `\nThere are more: raise --limit.` : ''
  const text = rows.length > 0 ? listed + rest : 'no device has been activated'
  return { value: { devices: newestFirst.map(withoutPem), more }, text }
}

function validUntil({ certificates: [newest] }: DeviceRecord): string | undefined {
  return newest && dayText(newest.notAfter)
}

/** Without the PEM, which scripts do not need. */
function withoutPem(device: DeviceRecord) {
  const certificates = device.certificates.map(({ certificate: _, ...rest }) => rest)
  return { ...device, certificates }
}

function addShow(device: Command, run: Runner): void {
  device
    .command('show')
    .description('registrations, pending notifications, certificates and connection of a device')
    .argument('<id>', 'device id, 16 letters and digits')
    .addHelpText('after', '\nExamples:\n  heliograph device show 0123456789abcdef')
    .action((id: string, _options: object, command: Command) =>
      run(command, (session) => show(session, id)),
    )
}

async function show(session: Session, id: string): Promise<Report> {
  const deployment = await session.deployment()
  const view = await showDevice(deployment, id)
  const value = { ...view, device: withoutPem(view.device) }
  return { value, text: viewText(view, deployment.clock.now()) }
}

function viewText(view: DeviceView, now: number): string {
  const { device, registrations, pending } = view
  const state = device.revokedAt === undefined ? 'active' : 'revoked'
  const head = fields({
    device: device.deviceId,
    state: state === 'active' ? state : `revoked ${timeText(device.revokedAt)}`,
    activated: timeText(device.activatedAt),
    connection: presenceText(view, now),
  })
  const certificates = device.certificates.map((one) => [
    one.certificateId.slice(0, 16),
    state,
    dayText(one.notAfter),
  ])
  return [
    head,
    section('REGISTRATIONS', ['topic', 'state', 'since'], registrations.map(registrationRow)),
    section(
      'PENDING',
      PENDING_COLUMNS,
      pending.map((one) => pendingRow(one, now)),
    ),
    section('CERTIFICATES', ['id', 'state', 'valid until'], certificates),
  ].join('\n\n')
}

function registrationRow({ topic, live, registeredAt, unregisteredAt }: Registration): Row {
  return [topic, live ? 'live' : 'dead', timeText(live ? registeredAt : unregisteredAt)]
}

const PENDING_COLUMNS = ['topic', 'id', 'age', 'expires in', 'bytes']

function pendingRow({ topic, id, acceptedAt, expiresAt, size }: PendingSummary, now: number): Row {
  return [topic, id, spanText(now - acceptedAt), spanText(expiresAt - now), size]
}

function section(title: string, columns: readonly string[], rows: readonly Row[]): string {
  return `${title}\n${rows.length > 0 ? table(columns, rows) : 'none'}`
}

function presenceText({ presence }: DeviceView, now: number): string {
  if (!presence) return 'not connected in the last 30 minutes'
  const { connected, since, disconnectReason } = presence
  const span = since === undefined ? '' : `, for ${spanText(now - since)}`
  if (connected) return `connected${span}`
  return `not connected${span}${disconnectReason ? ` (${disconnectReason})` : ''}`
}

function addExpire(device: Command, run: Runner): void {
  device
    .command('expire')
    .description("end a device's registration for one topic, as token expire does by the token")
    .argument('<id>', 'device id, 16 letters and digits')
    .argument('<topic>', 'see device show')
    .addHelpText('after', expireHelp)
    .action((id: string, topic: string, _options: object, command: Command) =>
      run(command, (session) => expire(session, id, topic)),
    )
}

const expireHelp = `
Its providers get 410 ExpiredToken, and what was pending for it is dropped. The device may
register again.

Examples:
  heliograph device expire 0123456789abcdef com.example.app`

async function expire(session: Session, id: string, text: string): Promise<Report> {
  const ended = await expireRegistration(await session.deployment(), id, text)
  return { value: ended, text: `ended the token of ${ended.deviceId} for ${ended.topic}` }
}

function addRevoke(device: Command, run: Runner): void {
  device
    .command('revoke')
    .description('shut a device out permanently')
    .argument('<id>', 'device id, 16 letters and digits')
    .addHelpText('after', revokeHelp)
    .action((id: string, _options: object, command: Command) =>
      run(command, (session) => revoke(session, id)),
    )
}

const revokeHelp = `
Its certificates are revoked, its connection is closed, and its tokens are dead
(410 to providers, with feedback). You can run it again.

Examples:
  heliograph device revoke 0123456789abcdef`

async function revoke(session: Session, id: string): Promise<Report> {
  const revoked = await revokeDevice(await session.deployment(), id)
  const { deviceId, revokedAt, certificates, disconnected, topics } = revoked
  const text = fields({
    revoked: `${deviceId}, since ${timeText(revokedAt)}`,
    certificates: `${certificates} revoked`,
    connection: disconnected ? 'closed' : 'none was open',
    tokens: topics.length > 0 ? `dead for ${topics.join(', ')}` : 'none was live',
  })
  return { value: revoked, text }
}
