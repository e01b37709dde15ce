import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { failureOf } from '../fault.ts'
import type { ProviderIdentity } from '../operations/edge.ts'
import { findEntrances, openTarget, type TargetOptions } from '../target.ts'
import { openAccess } from './access/session.ts'
import { apiOf } from './answer.ts'
import { Credentials, type NewView } from './credentials.ts'
import { ApiFailure } from './failure.ts'
import { handlersOf, streamsOf } from './handlers/index.ts'
import { type PageFile, pagesOf } from './http/pages.ts'
import { Jobs } from './jobs.ts'
import { startLife } from './life.ts'
import { CLEARING_MS, IDLE_MS, MAX_WRONG_KEYS } from './limits.ts'
import { reopening } from './reopening.ts'
import { startConsoleServer } from './server.ts'
import type { ConsoleWorld } from './world.ts'

export interface ConsoleOptions {
  readonly target: TargetOptions
  /** Of the package. */
  readonly version: string
  readonly port: number
  readonly files: readonly PageFile[]
  /** Who sends, where the command line names somebody. */
  readonly credential?: readonly [NewView, ProviderIdentity]
  /** Milliseconds; default an hour. */
  readonly idleMs?: number
  /** A line for the person at the terminal. */
  note(line: string): void
}

export interface Console {
  readonly url: string
  readonly port: number
  /** Resolves when nobody has used it for an hour, or the page has ended it. */
  readonly over: Promise<End>
  /** `how` is what open pages are told; default `stopped`. */
  close(how?: End): Promise<void>
}

type End = 'idle' | 'stopped'

/** Starts a console for a deployment, with the rights of the process. The deployment is looked for when it is needed. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { target, version, note } = options
  const clock = { now: Date.now }
  const deployments = reopening(() => openTarget(target))
  const jobs = new Jobs({ now: clock.now, newId: randomUUID })
  const credentials = new Credentials(randomUUID)
  if (options.credential) credentials.add(...options.credential)
  let end: (how: End) => void = () => {}
  const over = new Promise<End>((resolve) => {
    end = resolve
  })
  const life = startLife({
    ...{ idleMs: options.idleMs ?? IDLE_MS, now: clock.now },
    isBusy: () => jobs.isBusy,
    idle: () => end('idle'),
  })
  const world: ConsoleWorld = {
    ...{ target, version, clock, credentials, jobs },
    deployment: () => deployments.get(),
    noteFault: (fault) => deployments.noteFault(fault),
    entrances: () => findEntrances(target, () => deployments.get()),
    endsAt: life.endsAt,
    // after the answer
    end: () => void setImmediate(end, 'stopped'),
  }
  const api = apiOf({
    handlers: handlersOf(world),
    streams: streamsOf(world),
    failed(fault) {
      deployments.noteFault(fault)
      if (!(fault instanceof ApiFailure) && !failureOf(fault)) note(`unexpected failure: ${fault}`)
    },
  })
  const server = await startConsoleServer({
    port: options.port,
    name: ownName(),
    access: openAccess(randomBytes, { mostWrongKeys: MAX_WRONG_KEYS }),
    ...{ api, pages: pagesOf(options.files) },
    touched: life.touch,
    suspicious: note,
  }).catch((fault: unknown) => {
    life.stop()
    throw fault
  })
  return {
    ...{ url: server.url, port: server.port, over },
    async close(how = 'stopped') {
      life.stop()
      const cleared = Promise.all([jobs.cancelAll(), api.sayBye(how)])
      await server.close()
      // a listener on AWS still has its queue to delete, a job letters to show again
      await atMost(CLEARING_MS, cleared)
      await deployments.close()
    },
  }
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const enough = new AbortController()
  const late = wait(ms, undefined, { signal: enough.signal }).catch(() => {})
  await Promise.race([work, late])
  enough.abort()
}

/**
 * A browser sends the cookies of a host to each of its ports, so whoever serves something else on this machine would be
 * given the session with the first visit. Nobody else's address has this name. Browsers resolve what ends in
 * `.localhost` by themselves, to loopback (RFC 6761 §6.3).
 */
function ownName(): string {
  return `heliograph-${randomBytes(8).toString('hex')}.localhost`
}
