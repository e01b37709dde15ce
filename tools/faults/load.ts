import type { Random } from '../simulate/random.ts'
import { type FaultDevice, pause } from './device.ts'
import type { Lane, Ledger } from './ledger.ts'
import type { FaultProvider } from './provider.ts'

export interface Fleet {
  readonly devices: readonly FaultDevice[]
  readonly lanes: readonly Lane[]
}

export interface LoadOptions {
  readonly devices: readonly FaultDevice[]
  readonly ledger: Ledger
  readonly provider: FaultProvider
  readonly random: Random
  /** Requests that wait for their answer at the same time. */
  readonly inFlight: number
  /** Mean milliseconds between an answer and the next request of the same worker. */
  readonly restMs: number
  /** Mean milliseconds that a device stays on or off. */
  readonly stayMs: number
}

/** Sends to random lanes, and lets devices come and go, until it is stopped. */
export class Load {
  readonly #options: LoadOptions
  readonly #busy = new Set<Lane>()
  #lanes: readonly Lane[] = []
  #running: Promise<unknown> | undefined
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = options
  }

  /** From now on only to these lanes: what is lost then no later send to them can hide. */
  sendTo(lanes: readonly Lane[]): void {
    this.#lanes = lanes
  }

  start(): void {
    const { inFlight, devices } = this.#options
    this.#running = Promise.all([
      ...Array.from({ length: inFlight }, () => this.#send()),
      ...devices.map((device) => this.#comeAndGo(device)),
    ])
  }

  /** Resolves when every request has been answered and no device is on its way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #send(): Promise<void> {
    const { random, ledger, provider, restMs } = this.#options
    while (!this.#stopped) {
      const lane = this.#freeLane()
      if (lane) {
        this.#busy.add(lane)
        ledger.answered(lane, await provider.send(lane, ledger.nextText(lane)))
        this.#busy.delete(lane)
      }
      await pause(random.wait(restMs))
    }
  }

  #freeLane(): Lane | undefined {
    const lane = this.#options.random.pick(this.#lanes)
    return this.#busy.has(lane) ? undefined : lane
  }

  async #comeAndGo(device: FaultDevice): Promise<void> {
    const { random, stayMs } = this.#options
    while (!this.#stopped) {
      await pause(random.wait(stayMs), () => this.#stopped)
      if (this.#stopped) return
      if (device.online) await device.disconnect(random.chance(0.5))
      // not let in: it tries again later, as a device would
      else await device.connect().catch(() => {})
    }
  }
}

/** Brings every device online; resolves when all are. */
export async function connectAll(devices: readonly FaultDevice[]): Promise<void> {
  for (const device of devices) {
    while (!device.online) await device.connect().catch(() => pause(200))
  }
}
