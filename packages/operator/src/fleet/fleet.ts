import { setMaxListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { ActivationOptions } from '@heliograph/device'
import { Interrupted, Pace, type Patience, patience } from '../campaign/pace.ts'
import { Failure } from '../failure.ts'
import { judgeActivation, Rate } from './activation.ts'
import type { Member } from './member.ts'

/** As much of a device as starting it takes. */
export type Starting = Pick<Member, 'isActivated' | 'lastCause' | 'activate' | 'join' | 'live'>

/** Devices that activate or connect at the same time. */
const WIDTH = 16

/** Connections of devices that are activated already: what a broker on one machine takes beside its work. */
const CONNECTS_PER_SECOND = 100

/** How long the first device has to connect and register; the SDK gives a registration 30 s of it. */
const FIRST_MS = 40_000

export interface StartParts {
  /** Activations per second. */
  readonly activateRate: number
  /** Where a device activates, with a code for it. */
  activation(): Promise<ActivationOptions>
  readonly stop: AbortSignal
  /** An activation has to be tried again, or a registration was refused or not answered in time. */
  onError(reason: string): void
  readonly patience?: Patience
}

/**
 * Activates, connects and registers every member. The first goes alone and all the way: what is wrong with the CA,
 * the code or the topic shows before the others ask. Rejects with a `Failure`, or `Interrupted` if it was stopped.
 */
export async function startFleet(members: readonly Starting[], parts: StartParts): Promise<void> {
  const first = members.find(({ isActivated }) => !isActivated) ?? members[0]
  if (!first) return
  const ending = new AbortController()
  const stop = AbortSignal.any([parts.stop, ending.signal])
  // each lane waits with it
  setMaxListeners(WIDTH + 10, stop)
  const start = new Start({ ...parts, stop })
  await start.first(first)
  const rest = members.filter((member) => member !== first)
  const lane = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) await start.one(next)
  }
  const failed = await Promise.allSettled(
    Array.from({ length: WIDTH }, () => lane().catch(endAll(ending))),
  )
  const faults = failed.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (faults.length > 0) throw faults.find((fault) => !(fault instanceof Interrupted)) ?? faults[0]
}

function endAll(ending: AbortController): (fault: unknown) => never {
  return (fault) => {
    ending.abort()
    throw fault
  }
}

class Start {
  readonly #parts: StartParts
  readonly #pace: Pace
  readonly #activations: Rate
  readonly #connects = new Rate(CONNECTS_PER_SECOND)
  readonly #stopped: Promise<void>

  constructor(parts: StartParts) {
    this.#parts = parts
    this.#pace = new Pace({ patience: parts.patience ?? patience, stop: parts.stop, now: Date.now })
    this.#activations = new Rate(parts.activateRate)
    this.#stopped = stopped(parts.stop)
  }

  /** Nobody waits for a service that has not answered once. */
  async first(member: Starting): Promise<void> {
    await this.#activate(member, true)
    const timer = new AbortController()
    const late = wait(FIRST_MS, undefined, { signal: timer.signal }).then(() => {
      const seconds = FIRST_MS / 1_000
      throw new Failure(
        'unreachable',
        `the first device was activated, but did not connect and register within ${seconds} s: ${member.lastCause}`,
      )
    })
    late.catch(() => {})
    await Promise.race([member.join().catch(refuse), late, this.#stopped])
    timer.abort()
    if (this.#parts.stop.aborted) throw new Interrupted()
    member.live()
  }

  async one(member: Starting): Promise<void> {
    await this.#activate(member, false)
    await this.#turn(this.#connects)
    const joined = member.join().catch((fault: unknown) => this.#parts.onError(reasonOf(fault)))
    await Promise.race([joined, this.#stopped])
    if (this.#parts.stop.aborted) throw new Interrupted()
    member.live()
  }

  async #activate(member: Starting, isFirst: boolean): Promise<void> {
    if (member.isActivated) return
    const activation = await this.#parts.activation()
    for (let isDone = false; !isDone; ) {
      await this.#turn(this.#activations)
      await this.#pace.turn()
      isDone = await this.#tryToActivate(member, activation, isFirst)
    }
  }

  async #tryToActivate(
    member: Starting,
    activation: ActivationOptions,
    isFirst: boolean,
  ): Promise<boolean> {
    try {
      await member.activate(activation)
      this.#pace.good()
      return true
    } catch (fault) {
      const verdict = judgeActivation(fault)
      if (verdict.do === 'end') throw verdict.failure
      if (isFirst && !verdict.isThrottled)
        throw new Failure('unreachable', verdict.why, { cause: fault })
      this.#parts.onError(verdict.why)
      this.#pace.bad(verdict.why)
      return false
    }
  }

  async #turn(rate: Rate): Promise<void> {
    const ms = rate.take(Date.now())
    if (ms > 0) await this.#pace.pause(ms)
  }
}

function refuse(fault: unknown): never {
  if (fault instanceof Failure) throw fault
  const kind = reasonOf(fault) === 'Timeout' ? 'unreachable' : 'refused'
  throw new Failure(kind, messageOf(fault), { cause: fault })
}

/** Resolves when the signal fires. */
export function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve()
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}

function reasonOf(fault: unknown): string {
  return (fault as { readonly reason?: string }).reason ?? messageOf(fault)
}
