import { setTimeout as wait } from 'node:timers/promises'
import { type Emulator, type EmulatorOptions, TargetError } from './emulator.ts'
import { type Health, healthOf } from './health.ts'
import { startLocalstack } from './localstack.ts'
import { startMinistack } from './ministack.ts'

/** The emulator that listens on the port, or a new one: LocalStack with a token, otherwise MiniStack. */
export async function findEmulator(
  options: EmulatorOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Emulator> {
  const url = `http://127.0.0.1:${options.port}`
  const found = await healthOf(url)
  if (found === 'stranger')
    throw new TargetError(
      `port ${options.port} is held by a program that is not an emulator of AWS: end it, or choose another port with --port`,
    )
  if (found !== 'nobody') return foundEmulator(url, found)
  return environment.LOCALSTACK_AUTH_TOKEN ? startLocalstack(options) : startMinistack(options)
}

const lookEveryMs = 1_000
const missedLooks = 3

function foundEmulator(url: string, { edition, version }: Health): Emulator {
  const stop = new AbortController()
  return {
    name: `the emulator found there (${edition} ${version})`,
    url,
    fresh: false,
    lastLines: () => ['(it was started elsewhere: its log is there)'],
    death: watch(url, stop.signal),
    stop: async () => stop.abort(),
  }
}

async function watch(url: string, stop: AbortSignal): Promise<string> {
  for (let missed = 0; missed < missedLooks; ) {
    await wait(lookEveryMs, undefined, { ref: false })
    if (stop.aborted) return new Promise(() => {})
    missed = typeof (await healthOf(url)) === 'object' ? 0 : missed + 1
  }
  return 'it no longer answers'
}
