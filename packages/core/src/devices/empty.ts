import type { Clock, Fleet } from '../ports.ts'

export interface EmptyPorts {
  readonly clock: Clock
  readonly fleet: Fleet
  wait(ms: number): Promise<unknown>
  /** Hears how far it has come. */
  progress?(state: Emptying): void
}

/** How far emptying a stage has got; plain JSON, so that another round can continue from it. */
export interface Emptying {
  /**
   * First the certificates that have the policy, then what else is on record, finally the policy
   * itself.
   */
  readonly step: 'holders' | 'devices' | 'policy' | 'done'
  /** The place among the records. */
  readonly after?: string
  /** Certificates that were removed, and records that were processed. */
  readonly certificates: number
  readonly devices: number
}

export const startOfEmptying: Emptying = { step: 'holders', certificates: 0, devices: 0 }

/** Devices and certificates that are worked on at the same time. */
const AT_ONCE = 8
/** "It can take up to five minutes after a policy is detached before it's ready to be deleted" (API_DeletePolicy). */
const POLICY_PAUSE_MS = 10_000

/**
 * Removes a stage's things, certificates and attachments until nothing is left or the time `until`
 * (milliseconds) has come. `withPolicy` also removes the policy. Returns where to continue.
 */
export async function emptyStage(
  from: Emptying,
  ports: EmptyPorts,
  { until, withPolicy }: { readonly until: number; readonly withPolicy: boolean },
): Promise<Emptying> {
  let state = from
  while (state.step !== 'done' && ports.clock.now() < until) {
    state = await advance(state, ports, withPolicy)
    ports.progress?.(state)
  }
  return state
}

function advance(state: Emptying, ports: EmptyPorts, withPolicy: boolean): Promise<Emptying> {
  if (state.step === 'holders') return releaseSome(state, ports)
  if (state.step === 'devices') return removeSome(state, ports, withPolicy)
  return removePolicy(state, ports)
}

async function releaseSome(state: Emptying, { fleet }: EmptyPorts): Promise<Emptying> {
  const holders = await fleet.holders()
  if (holders.length === 0) return { ...state, step: 'devices' }
  const released = await severally(holders, (holder) => fleet.release(holder))
  return { ...state, certificates: state.certificates + released.filter(Boolean).length }
}

async function removeSome(
  state: Emptying,
  { fleet }: EmptyPorts,
  withPolicy: boolean,
): Promise<Emptying> {
  const { after: _, ...rest } = state
  const { some, next } = await fleet.devices(state.after)
  await severally(some, (device) => fleet.remove(device))
  const devices = state.devices + some.length
  if (next !== undefined) return { ...rest, devices, after: next }
  return { ...rest, devices, step: withPolicy ? 'policy' : 'done' }
}

async function removePolicy(state: Emptying, { fleet, wait }: EmptyPorts): Promise<Emptying> {
  if (await fleet.removePolicy()) return { ...state, step: 'done' }
  if ((await fleet.holders()).length > 0) return { ...state, step: 'holders' }
  await wait(POLICY_PAUSE_MS)
  return state
}

/** Processes all of them, a few at a time. */
async function severally<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = all.values()
  const worker = async () => {
    for (const one of left) results.push(await work(one))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}
