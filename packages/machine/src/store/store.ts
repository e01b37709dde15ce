import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type {
  ActivationCodes,
  ChannelRecords,
  DeviceRecords,
  ProviderKeyRecords,
  ProviderRecords,
  RegistrationRecords,
} from '@heliograph/core/operator-ports'
import type {
  Activations,
  Channels,
  Clock,
  Devices,
  Feedback,
  Ids,
  PendingNotifications,
  ProviderKeys,
  Providers,
  Registrations,
  TokenKeyRing,
} from '@heliograph/core/ports'
import { MachineError } from '../failure.ts'
import { DATABASE } from '../state-files.ts'
import { type Vault, vaultUnder } from '../trust/vault.ts'
import { systemClock, systemIds } from '../world.ts'
import { activations } from './activations.ts'
import { type AscendingIds, ascendingIds } from './ascending.ts'
import { type AuthorityStore, authorities } from './authorities.ts'
import { channels } from './channels.ts'
import { claims, type StoredClaims } from './claims.ts'
import { type Admissions, devices } from './devices.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { expiriesIn } from './expiries.ts'
import { feedback } from './feedback.ts'
import { demandNotHeldHere, lockFolder } from './folder-lock.ts'
import { type Format, openFormat } from './format.ts'
import { type Moves, moves } from './moves.ts'
import { type ExpiringSlots, pendingNotifications } from './pending-notifications.ts'
import { providerKeys } from './provider-keys.ts'
import { providers } from './providers.ts'
import { type KeptReceipts, receipts } from './receipts.ts'
import { registrations } from './registrations.ts'
import { type RetainedMessages, retainedMessages } from './retained-messages.ts'
import { type TokenKeyVault, tokenKeyRing, tokenKeyStore } from './token-keys.ts'

export { activationPace } from './activations.ts'
export { deviceRegistry } from './devices.ts'

/** How long receipts are kept. */
export const RECEIPT_DAYS = 7

export interface StoreOptions {
  /** The state folder; created if there is none, for its owner only. */
  readonly folder: string
  /** The owner's key, 32 bytes, under which the secrets in the folder are encrypted. */
  readonly key: Uint8Array
  readonly clock?: Clock
  readonly ids?: Ids
  /** How long receipts are kept; 7 days by default. */
  readonly receiptSeconds?: number
  /** A limit on the size of the database, bytes; none by default. */
  readonly maxBytes?: number
}

/**
 * Everything that the service stores on one machine. Reads are answered at once from memory-mapped
 * pages; a write's promise resolves once it is synced to disk.
 */
export interface Store {
  readonly environment: Environment
  readonly pending: PendingNotifications & ExpiringSlots
  readonly registrations: Registrations & RegistrationRecords
  readonly feedback: Feedback
  readonly claims: StoredClaims
  readonly receipts: KeptReceipts
  readonly providers: Providers & ProviderRecords
  readonly providerKeys: ProviderKeys & ProviderKeyRecords
  readonly devices: Devices & DeviceRecords & Admissions
  readonly activations: Activations & ActivationCodes
  readonly authorities: AuthorityStore
  readonly channels: Channels & ChannelRecords
  readonly retained: RetainedMessages
  readonly tokenKeys: TokenKeyVault
  readonly moves: Moves
  /** The live token keys; new and retired keys take effect at once. */
  readonly ring: TokenKeyRing
  /** Ids whose seqs ascend, whatever the clock does. */
  readonly ids: AscendingIds
  readonly format: Format
  /**
   * Silently removes what has expired; returns how many rows. Slots are left to `pending.expired`.
   */
  sweep(nowMs: number, limit: number): Promise<number>
  /** Resolves when every change asked for so far is on disk. */
  synced(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens or creates the store of a state folder. Only one process at a time can have it.
 *
 * @throws MachineError if that is impossible: in use, another key, a newer version, a full disk.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { folder, key, clock = systemClock, ids = systemIds(), maxBytes } = options
  const { receiptSeconds = RECEIPT_DAYS * 24 * 3600 } = options
  makePrivate(folder)
  demandNotHeldHere(folder)
  const environment = openEnvironment({ folder, ...(maxBytes !== undefined && { maxBytes }) })
  const vault = vaultUnder(key)
  const unlock = await orClose(environment, () => lockFolder(environment, folder))
  const ascending = ascendingIds(ids, environment)
  const format = await orClose(
    environment,
    () => openFormat(environment, vault, clock.now()),
    unlock,
  )
  const ports = portsOf(environment, vault, { clock, ids: ascending, receiptSeconds })
  return { ...ports, ids: ascending, format, close }

  async function close(): Promise<void> {
    await ascending.note().catch(() => {})
    // a lock that cannot be released on a full disk is taken over by the next process
    await unlock().finally(() => environment.close())
  }
}

async function orClose<T>(
  environment: Environment,
  open: () => Promise<T>,
  unlock: () => Promise<void> = async () => {},
): Promise<T> {
  try {
    return await open()
  } catch (fault) {
    await unlock().catch(() => {})
    await environment.close()
    throw fault
  }
}

function portsOf(
  environment: Environment,
  vault: Vault,
  { clock, ids, receiptSeconds }: Required<Pick<StoreOptions, 'clock' | 'ids' | 'receiptSeconds'>>,
): Omit<Store, 'close' | 'format' | 'ids'> {
  const expiries = expiriesIn(environment)
  const tokenKeys = tokenKeyStore(environment, vault)
  return {
    environment,
    pending: pendingNotifications(environment),
    registrations: registrations(environment),
    feedback: feedback(environment, expiries, clock, ids),
    claims: claims(environment, expiries, clock),
    receipts: receipts(environment, expiries, clock, receiptSeconds),
    providers: providers(environment),
    providerKeys: providerKeys(environment),
    devices: devices(environment),
    activations: activations(environment, expiries),
    authorities: authorities(environment, vault),
    channels: channels(environment),
    retained: retainedMessages(environment, expiries),
    tokenKeys,
    moves: moves(environment),
    ring: tokenKeyRing(tokenKeys),
    sweep: (nowMs, limit) => expiries.sweep(nowMs, limit),
    synced: () => environment.synced(),
  }
}

const OTHERS_WRITE = 0o002

/**
 * LMDB creates files that everyone can read, so they are created here first. An existing one is not
 * touched: closing a lock file releases the locks that this process has on it (POSIX, fcntl).
 */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if ((statSync(folder).mode & OTHERS_WRITE) !== 0)
    throw new MachineError(
      `anyone on this machine may write to the state folder ${folder}, and so replace its files: chmod 700 ${folder}`,
    )
  for (const name of [DATABASE, `${DATABASE}-lock`]) {
    const path = join(folder, name)
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  }
}
