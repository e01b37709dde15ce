import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { faultFields, jsonLog } from '@heliograph/machine/log'
import { diskFault, type Machine, MachineError, startMachine } from '@heliograph/machine/machine'
import { portsFrom, readSettings, settingsOf } from '@heliograph/machine/settings'
import { findOwnerKey } from '@heliograph/machine/trust/owner-key'
import { exitCode } from '../failure.ts'
import { prepareDevelopment } from './development.ts'
import type { ServeOptions } from './options.ts'

/** Serves until a signal ends it, or until it can no longer; returns the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const folder = resolve(options.state)
  try {
    await serveFrom(folder, options)
    return exitCode.ok
  } catch (thrown) {
    const fault = diskFault(thrown, folder)
    if (!(fault instanceof MachineError)) throw fault
    process.stderr.write(`heliograph: ${fault.message}\n`)
    return exitCode.refused
  }
}

/**
 * How long a failed service may take to stop; after that its process exits as it is, and the next
 * one resumes its work.
 */
const STOP_MS = 15_000

async function serveFrom(folder: string, options: ServeOptions): Promise<void> {
  const localFile = join(folder, 'local.json')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  rmSync(localFile, { force: true })
  const started = performance.now()
  const machine = await open(options, folder)
  try {
    if (options.dev) await prepareDevelopment(machine, folder)
    const took = Math.round(performance.now() - started)
    log.info('serving', { ...machine.ports, state: folder, tookMs: took })
    await Promise.race([ended(), machine.broken.then((fault) => Promise.reject(fault))])
  } catch (fault) {
    log.error('the service cannot go on', faultFields(fault))
    setTimeout(() => process.exit(exitCode.refused), STOP_MS).unref()
    // report what prevents it from running, not the result of stopping
    await stop(machine, localFile).catch(() => {})
    throw fault
  }
  await stop(machine, localFile)
}

async function stop(machine: Machine, localFile: string): Promise<void> {
  log.info('stopping')
  // who waits for this file waits for a service that answers
  rmSync(localFile, { force: true })
  await machine.close()
  log.info('stopped')
}

const log = jsonLog()

const development = {
  channelRatePerSecond: 0,
  tokenRatePerSecond: 0,
  activationsPerSecond: 1_000,
  activationRequestsPerSecond: 4_000,
} as const

function open(options: ServeOptions, folder: string): Promise<Machine> {
  const { config, durability, portBase, keyFile, dev = false } = options
  const settings = settingsOf(
    {
      // tests and demonstrations flood one device, and activate many, on purpose
      ...(dev && development),
      ...(config !== undefined && readSettings(config)),
      ...(portBase !== undefined && portsFrom(Number(portBase))),
      ...(durability !== undefined && { durability }),
    },
    config ?? 'the command line',
  )
  const { bytes: key, source } = findOwnerKey({
    folder,
    environment: process.env,
    mayMakeBesideData: dev,
    ...(keyFile !== undefined && { keyFile }),
  })
  if (source === 'beside the data')
    log.warn('the key that encrypts the state folder is in that folder: it protects nothing')
  return startMachine({ folder, key, keySource: source, settings, log })
}

/** Resolves at the first signal; a second one ends the process at once. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (isEnding) process.exit(exitCode.failed)
        isEnding = true
        resolve()
      })
  })
}
