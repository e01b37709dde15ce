import { MAX_CERTIFICATES } from '@heliograph/core/devices/device-record'
import {
  isExpired,
  type Notification,
  parseNotification,
  serializeNotification,
} from '@heliograph/core/notification'
import type {
  Channel,
  DeviceCertificate,
  DeviceRecord,
  ProviderKey,
  ProviderRecord,
  Registration,
} from '@heliograph/core/ports'
import { isNewer } from '@heliograph/protocol/identifiers'
import type { BroadcastMessage } from '@heliograph/protocol/messages'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import type { MoveRecord } from './move-record.ts'
import { listTokenKeys } from './token-keys.ts'

const ALL_DEVICES = 10_000_000

/** Everything in a deployment that can be used elsewhere, in the order in which it is imported. */
export async function* exportStage(deployment: Deployment): AsyncGenerator<MoveRecord> {
  const { ports, stage, clock } = deployment
  yield { kind: 'stage', stage, exportedAt: clock.now() }
  for (const name of ['provider', 'device'] as const) {
    const found = await ports.authorities.find(name)
    for (const certificate of found ? [found.certificate, ...(found.others ?? [])] : [])
      yield { kind: 'authority', name, certificate }
  }
  for (const inRing of await listTokenKeys(deployment)) {
    const { id, createdAt, retiredAt } = inRing
    const { key } = await ports.tokenKeys.open(inRing)
    const text = Buffer.from(key).toString('base64')
    const moved = { id, createdAt, ...(retiredAt !== undefined && { retiredAt }), key: text }
    yield { kind: 'tokenKey', key: moved }
  }
  for (const key of (await ports.providerKeys?.list()) ?? []) yield { kind: 'providerKey', key }
  for (const record of await ports.providers.list()) yield { kind: 'provider', record }
  for (const channel of (await ports.channels?.all()) ?? [])
    yield await exportChannel(deployment, channel)
  const { devices } = await ports.devices.list(ALL_DEVICES)
  for (const device of devices) yield await exportDevice(deployment, device)
}

async function exportChannel({ ports }: Deployment, channel: Channel): Promise<MoveRecord> {
  const stored =
    channel.storagePolicy === 0 ? undefined : await ports.broadcasts?.stored(channel.id)
  return { kind: 'channel', channel, ...(stored !== undefined && { stored }) }
}

async function exportDevice({ ports }: Deployment, device: DeviceRecord): Promise<MoveRecord> {
  const [registrations, pending] = await Promise.all([
    ports.registrations.list(device.deviceId),
    ports.pending.list(device.deviceId),
  ])
  return { kind: 'device', device, registrations, pending: pending.map(serializeNotification) }
}

export interface Moved {
  tokenKeys: number
  providerKeys: number
  providers: number
  channels: number
  broadcasts: number
  devices: number
  registrations: number
  pending: number
}

/**
 * Imports what another deployment exported; may be repeated, and a repeat brings what is new. The
 * token keys come first, so that the token of an admitted device can be opened.
 */
export async function importStage(
  deployment: Deployment,
  records: readonly MoveRecord[],
): Promise<Moved> {
  demandSameStage(deployment, records)
  const moved = {
    ...{ tokenKeys: 0, providerKeys: 0, providers: 0, channels: 0, broadcasts: 0 },
    ...{ devices: 0, registrations: 0, pending: 0 },
  }
  const from = { ...deployment, exportedAt: exportTime(records) }
  for (const record of records) await importRecord(from, record, moved)
  return moved
}

function exportTime(records: readonly MoveRecord[]): number {
  return records.find((record) => record.kind === 'stage')?.exportedAt ?? 0
}

interface Importing extends Deployment {
  readonly exportedAt: number
}

/** Devices publish to topics that name their stage; at another one the broker closes their connections. */
function demandSameStage({ stage }: Deployment, records: readonly MoveRecord[]): void {
  const from = records.find((record) => record.kind === 'stage')?.stage
  if (from === stage || !records.some(({ kind }) => kind === 'device')) return
  throw new Failure(
    'refused',
    `the export is from stage "${from}", whose name its devices publish to, and this is "${stage}": nothing was imported; import into a stage of the same name`,
  )
}

async function importRecord(
  deployment: Importing,
  record: MoveRecord,
  moved: Moved,
): Promise<void> {
  const { ports } = deployment
  if (record.kind === 'authority')
    await ports.otherAuthorities?.add(record.name, record.certificate)
  else if (record.kind === 'tokenKey') {
    const key = new Uint8Array(Buffer.from(record.key.key, 'base64'))
    if (await ports.tokenKeys.keep({ ...record.key, key })) moved.tokenKeys += 1
  } else if (record.kind === 'providerKey') await importProviderKey(deployment, record.key, moved)
  else if (record.kind === 'provider') await importProvider(deployment, record.record, moved)
  else if (record.kind === 'channel') await importChannel(deployment, record, moved)
  else if (record.kind === 'device') await importDevice(deployment, record, moved)
}

async function importProviderKey(
  { ports, stage }: Deployment,
  key: ProviderKey,
  moved: Moved,
): Promise<void> {
  const { revokedAt, ...live } = key
  if (!ports.providerKeys)
    throw new Failure(
      'notFound',
      `stage ${stage} has no provider keys: deploy it with this version`,
    )
  if (await ports.providerKeys.save(live)) moved.providerKeys += 1
  if (revokedAt !== undefined) await ports.providerKeys.revoke(key.keyId, revokedAt)
}

/** On record for its topics: its issuer is the CA of the deployment that it comes from. */
async function importProvider(
  { ports }: Deployment,
  record: ProviderRecord,
  moved: Moved,
): Promise<void> {
  const { revokedAt, revocationReason = 'unspecified', ...live } = record
  await ports.providers.save(live)
  if (revokedAt !== undefined)
    await ports.providers.revoke(record.fingerprint, revokedAt, revocationReason)
  moved.providers += 1
}

async function importChannel(
  { ports, stage, clock }: Deployment,
  { channel, stored }: Extract<MoveRecord, { kind: 'channel' }>,
  moved: Moved,
): Promise<void> {
  const { channels, broadcasts } = ports
  if (!channels || !broadcasts)
    throw new Failure('notFound', `stage ${stage} has no channels: deploy it with this version`)
  const added = await channels.add(channel)
  if (added === 'full')
    throw new Failure(
      'refused',
      `${channel.topic} has as many channels in stage ${stage} as it can have: delete some there, and import again`,
    )
  if (added === 'added') moved.channels += 1
  const there = stored === undefined ? undefined : await broadcasts.stored(channel.id)
  if (stored === undefined || !isDue(stored, there, clock.now())) return
  const { seq, expiration } = headOf(stored)
  const broadcast = { topic: channel.topic, channel: channel.id, seq }
  if ((await broadcasts.publish(broadcast, stored, expiration)) === 'busy')
    throw new Failure('unreachable', `the broker of stage ${stage} is busy: import again`)
  moved.broadcasts += 1
}

type Head = Pick<BroadcastMessage, 'seq' | 'expiration'>

const headOf = (message: string): Head => JSON.parse(message) as Head

/** Whether a stored broadcast is worth moving: it has not expired, and there is none that is newer. */
function isDue(stored: string, there: string | undefined, nowMs: number): boolean {
  const { seq, expiration } = headOf(stored)
  if (expiration * 1_000 <= nowMs) return false
  return there === undefined || isNewer(seq, headOf(there).seq)
}

async function importDevice(
  deployment: Importing,
  { device, registrations, pending }: Extract<MoveRecord, { kind: 'device' }>,
  moved: Moved,
): Promise<void> {
  const { ports, clock, exportedAt } = deployment
  const { deviceId } = device
  const known = await ports.devices.find(deviceId)
  const revokedAt = known?.revokedAt ?? device.revokedAt
  if (known?.revokedAt === undefined)
    for (const one of missing(device, known)) await importCertificate(deployment, device, one)
  moved.devices += 1
  for (const one of registrations) await importRegistration(deployment, one, revokedAt)
  moved.registrations += registrations.length
  if (revokedAt !== undefined) {
    await ports.devices.revoke(deviceId, revokedAt)
    return
  }
  // a repeat would bring back what has arrived since
  if (known?.importedAt !== undefined && known.importedAt >= exportedAt) return
  const waiting = pending.flatMap((text) => parseNotification(text) ?? [])
  for (const one of waiting)
    if (await importPending(deployment, one, clock.now())) moved.pending += 1
  await ports.devices.noteImport(deviceId, exportedAt)
}

/**
 * The certificates that a device may be given here, the oldest first, as they came. One that is older than the newest here
 * has had its time: the device has renewed it since.
 */
function missing(device: DeviceRecord, known: DeviceRecord | undefined): DeviceCertificate[] {
  const here = known?.certificates ?? []
  const newest = Math.max(0, ...here.map(({ notAfter }) => notAfter))
  const isHere = ({ keyHash }: DeviceCertificate) => here.some((one) => one.keyHash === keyHash)
  const later = device.certificates.filter((one) => !isHere(one) && one.notAfter > newest)
  // an interrupted import of a device is repeated to its end
  const isDone = ({ keyHash }: DeviceCertificate) =>
    here.some((one) => one.keyHash === keyHash && one.admitted)
  const begun = device.certificates.filter((one) => isHere(one) && !isDone(one))
  return [...later.slice(0, MAX_CERTIFICATES - here.length), ...begun].reverse()
}

async function importCertificate(
  { ports }: Deployment,
  { deviceId, activatedAt, revokedAt }: DeviceRecord,
  certificate: DeviceCertificate,
): Promise<void> {
  await ports.devices.addCertificate(deviceId, certificate, activatedAt)
  if (revokedAt !== undefined || !certificate.admitted) return
  await ports.admissions.admit(deviceId, certificate.certificate)
  await ports.devices.confirmCertificate(deviceId, certificate.certificateId)
}

async function importRegistration(
  { ports: { registrations } }: Deployment,
  { deviceId, topic, live, registeredAt, unregisteredAt, expiredAt }: Registration,
  revokedAt: number | undefined,
): Promise<void> {
  const hasLived = live || unregisteredAt !== undefined
  if (hasLived) await registrations.change(deviceId, topic, true, registeredAt)
  else await registrations.reserve(deviceId, topic, registeredAt)
  if (!live && unregisteredAt !== undefined) {
    await registrations.change(deviceId, topic, false, unregisteredAt)
    if (expiredAt !== undefined) await registrations.noteExpiry(deviceId, topic, expiredAt)
  }
  if (revokedAt !== undefined) await registrations.revoke(deviceId, topic, revokedAt)
}

async function importPending(
  { ports }: Deployment,
  notification: Notification,
  now: number,
): Promise<boolean> {
  if (isExpired(notification, now)) return false
  return (await ports.pending.put(notification, now)).kept
}
