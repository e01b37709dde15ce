import { type Random, random } from '../simulate/random.ts'
import { type Settled, settle } from './drain.ts'
import { closeFleet, deal, makeFleet } from './fleet.ts'
import { Injector } from './injector.ts'
import { type Lane, Ledger } from './ledger.ts'
import { Load, type LoadOptions } from './load.ts'
import { OutcomeLog } from './outcomes.ts'
import { FaultProvider } from './provider.ts'
import { type Stage, startStage } from './stage.ts'

export interface UnderLoadOptions {
  readonly seed: number
  readonly devices: number
  /** Into so many parts the lanes are dealt out, see `Load.sendTo`. */
  readonly hands: number
  readonly load: Pick<LoadOptions, 'inFlight' | 'restMs' | 'stayMs'>
  readonly maxEnvironments: number
}

/** A stage in which devices come and go and a provider sends. */
export interface World {
  readonly stage: Stage
  readonly dice: Random
  readonly injector: Injector
  readonly outcomes: OutcomeLog
  readonly ledger: Ledger
  readonly load: Load
  readonly hands: readonly (readonly Lane[])[]
}

/** What is left to judge when the stage is gone. */
export interface Aftermath extends Pick<World, 'injector' | 'outcomes' | 'ledger'> {
  readonly settled: Settled
}

/** Milliseconds in which all must have come once the trouble is over. */
const SETTLE_MS = 120_000

/** Does `harm` to a stage under load, then lets it settle. */
export async function underLoad(
  options: UnderLoadOptions,
  harm: (world: World) => Promise<void>,
): Promise<Aftermath> {
  const dice = random(options.seed)
  const injector = new Injector(dice)
  const outcomes = new OutcomeLog()
  const stage = await startStage({
    beforeService: injector.beforeService,
    log: outcomes.log,
    hasten: true,
    tuning: { maxEnvironments: options.maxEnvironments },
  })
  try {
    const settled = await harmStage(options, { stage, dice, injector, outcomes }, harm)
    return { injector, outcomes, ...settled }
  } finally {
    await stage.close()
  }
}

async function harmStage(
  { devices: count, hands, load: pace }: UnderLoadOptions,
  started: Pick<World, 'stage' | 'dice' | 'injector' | 'outcomes'>,
  harm: (world: World) => Promise<void>,
): Promise<Pick<Aftermath, 'ledger' | 'settled'>> {
  const { stage, dice, injector } = started
  const ledger = new Ledger()
  const provider = new FaultProvider(stage.local)
  const fleet = await makeFleet({ local: stage.local, ledger, devices: count, topics: 9 })
  const { devices, lanes } = fleet
  const load = new Load({ devices, ledger, provider, random: dice, ...pace })
  const dealt = deal(lanes, hands)
  load.sendTo(dealt[0] ?? [])
  load.start()
  await harm({ ...started, ledger, load, hands: dealt })
  injector.apply([])
  await load.stop()
  const settled = await settle(ledger, devices, SETTLE_MS)
  await closeFleet(fleet)
  provider.close()
  return { ledger, settled }
}
