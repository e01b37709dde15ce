import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CanaryDevice } from '@heliograph/core/canary/run-canary'
import { type Device, openDevice } from '@heliograph/device'
import { canaryLimits } from '@heliograph/protocol/canary'
import { within } from './within.ts'

/** Where the SDK keeps who the device is (docs/device-sdk.md). */
const IDENTITY = 'identity.json'

/** How long the end of a connection may take. */
const CLOSE_MS = 1_000

export interface ActivationPlace {
  readonly url: string
  /** PEM; the system's CAs where undefined. */
  readonly ca: string | undefined
}

/** A new device; `device` is what it keeps. */
export function activateCanary({ url, ca }: ActivationPlace, code: string) {
  return inFolder(async (directory) => {
    const device = await openDevice({ directory, activation: { url, code, ...(ca && { ca }) } })
    const deviceId = await device.activate()
    await device.close()
    return { deviceId, device: await readFile(join(directory, IDENTITY), 'utf8') }
  })
}

/**
 * Does work with the device SDK on what the canary's device keeps, in a folder that is gone afterwards: no run is
 * told anything by the one before. `onChange` hears what it keeps from now on where that is something else, as after
 * the renewal of its certificate.
 */
export function withCanaryDevice<Result>(
  kept: string,
  now: () => number,
  work: (device: CanaryDevice) => Promise<Result>,
  onChange: (kept: string) => Promise<void>,
): Promise<Result> {
  return inFolder(async (directory) => {
    const file = join(directory, IDENTITY)
    await writeFile(file, kept, { mode: 0o600 })
    const { connectMs: connectTimeoutMs, registerMs: timeLimitMs } = canaryLimits
    const options = { directory, connectTimeoutMs, timeLimitMs, closeLimitMs: CLOSE_MS }
    const device = await openDevice(options)
    const result = await work(canaryDevice(device, now))
    const after = await readFile(file, 'utf8')
    if (after !== kept) await onChange(after)
    return result
  })
}

async function inFolder<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'heliograph-canary-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function canaryDevice(device: Device, now: () => number): CanaryDevice {
  const arrivals = new Map<string, number>()
  let tell = () => {}
  let cause = 'no answer'
  device.onNotification(({ uniqueId = '' }) => {
    arrivals.set(uniqueId, now())
    tell()
  })
  device.on('disconnected', (ended) => {
    cause = ended.cause
  })
  const heard = (uniqueId: string) =>
    new Promise<number>((resolve) => {
      tell = () => {
        const at = arrivals.get(uniqueId)
        if (at !== undefined) resolve(at)
      }
      tell()
    })
  return {
    async connect() {
      try {
        await within(canaryLimits.connectMs, device.connect(), 'the device cannot connect')
      } catch (fault) {
        throw new Error(`${(fault as Error).message} (${cause})`)
      }
    },
    register: (topic) => device.register(topic),
    hear: (uniqueId) =>
      within(canaryLimits.hearMs, heard(uniqueId), 'the device did not hear the notification'),
    close: () => device.close(),
  }
}
