import { setTimeout as wait } from 'node:timers/promises'

/** What `/_localstack/health` answers; MiniStack has the same page. */
export interface Health {
  readonly edition: string
  readonly version: string
}

const patienceMs = 5_000

/** The emulator's own report; `nobody` when the port is closed, `stranger` when something else is there. */
export async function healthOf(url: string): Promise<Health | 'nobody' | 'stranger'> {
  try {
    const answer = await fetch(`${url}/_localstack/health`, {
      signal: AbortSignal.timeout(patienceMs),
    })
    const report = (await answer.json()) as {
      services?: object
      edition?: string
      version?: string
    }
    if (!report.services) return 'stranger'
    return { edition: report.edition ?? 'unknown', version: report.version ?? 'unknown' }
  } catch (fault) {
    return isRefused(fault) ? 'nobody' : 'stranger'
  }
}

function isRefused(fault: unknown): boolean {
  const cause =
    fault instanceof Error ? (fault.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code === 'ECONNREFUSED'
}

/** Waits until the emulator reports; false when it does not within so many milliseconds. */
export async function healthy(url: string, withinMs: number, stop: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (Date.now() < deadline && !stop.aborted) {
    if (typeof (await healthOf(url)) === 'object') return true
    await wait(100)
  }
  return false
}
