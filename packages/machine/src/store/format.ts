import { MachineError } from '../failure.ts'
import type { Vault } from '../trust/vault.ts'
import type { Environment } from './environment.ts'

/** The mark of a store. */
export interface Format {
  readonly version: number
  /** When the store was made, milliseconds since the epoch. */
  readonly createdAt: number
  /** Base64 of something sealed by the vault, so that a wrong key is noticed first. */
  readonly seal: string
}

/**
 * Upgrades a store from the version of its index, counted from 1, to the next; runs in one
 * transaction.
 */
export type Upgrade = (environment: Environment) => void

/**
 * Version 2 has rows of several outcomes and notes of several rows. Those of version 1 are read as they are, and
 * expire; the number keeps an older program from rows that it cannot read.
 */
const severalInOne: Upgrade = () => {}

/**
 * Version 3 has shorter rows of outcomes, and says under an `apns-id` only what is not the `apns-unique-id` as well.
 * Rows of earlier versions are read as they are, and expire.
 */
const shortRows: Upgrade = () => {}

const upgrades: readonly Upgrade[] = [severalInOne, shortRows]

const FORMAT = 'format'
const LABEL = 'the state folder'

/**
 * Makes a new store's mark, or checks that of an old one: that the key is the one it was made with, and
 * that this version reads it. An older format is brought up to date.
 */
export async function openFormat(
  environment: Environment,
  vault: Vault,
  nowMs: number,
  steps: readonly Upgrade[] = upgrades,
): Promise<Format> {
  const marks = environment.table<Format, string>('meta')
  const current = steps.length + 1
  const found = marks.get(FORMAT)
  if (!found) {
    const seal = Buffer.from(vault.seal(LABEL, new Uint8Array(16))).toString('base64')
    const made = { version: current, createdAt: nowMs, seal }
    await environment.change(() => void marks.put(FORMAT, made))
    return made
  }
  if (found.version > current) throw tooNew(found.version, current)
  vault.open(LABEL, Buffer.from(found.seal, 'base64'))
  for (let version = found.version; version < current; version += 1)
    await environment.change(() => {
      steps[version - 1]?.(environment)
      marks.put(FORMAT, { ...found, version: version + 1 })
    })
  return { ...found, version: current }
}

function tooNew(found: number, current: number): MachineError {
  return new MachineError(
    `the state folder has format ${found}, and this version of heliograph reads up to ${current}: install the newer version, or restore a backup that was made before the upgrade`,
  )
}
