import { type Random, random } from '../../simulation/random.ts'
import { pause } from '../device.ts'
import { settle } from '../drain.ts'
import { closeFleet, deal, makeFleet } from '../fleet.ts'
import { Injector } from '../injector.ts'
import { Ledger } from '../ledger.ts'
import { Load } from '../load.ts'
import { OutcomeLog } from '../outcomes.ts'
import { FaultProvider } from '../provider.ts'
import { answerFigures, judgeAnswers, lossesOf, type Report, tally } from '../report.ts'
import { startStage } from '../stage.ts'

export interface KillsOptions {
  readonly seed: number
  readonly devices: number
  readonly kills: number
  say(line: string): void
}

/** Whose threads die: a random one of these, or all of them. */
const functions = ['accept', 'deliver', 'deliver', 'deliver', 'connect', 'connect', 'all'] as const

/** After so many kills the load goes on with other lanes, and the last sends of these must arrive. */
const KILLS_PER_HAND = 4

/** After some more answers, or after ten seconds without: a slow machine shall not see more kills than work. */
async function nextMoment(ledger: Ledger, dice: Random): Promise<void> {
  const goal = ledger.answers.length + dice.between(5, 40)
  await pause(10_000, () => ledger.answers.length >= goal)
  await pause(dice.between(0, 200))
}

/** Ends execution environments in the middle of their work, again and again, under load. */
export async function killedWorkers(options: KillsOptions): Promise<Report> {
  const dice = random(options.seed)
  const injector = new Injector(dice)
  const outcomes = new OutcomeLog()
  const stage = await startStage({
    beforeService: injector.beforeService,
    log: outcomes.log,
    hasten: true,
    tuning: { maxEnvironments: 8 },
  })
  const ledger = new Ledger()
  const provider = new FaultProvider(stage.local)
  try {
    const fleet = await makeFleet({ ...options, local: stage.local, ledger, topics: 9 })
    const load = new Load({
      ...{ devices: fleet.devices, ledger, provider, random: dice },
      ...{ inFlight: 8, restMs: 60, stayMs: 5_000 },
    })
    const hands = deal(fleet.lanes, Math.ceil(options.kills / KILLS_PER_HAND))
    load.sendTo(hands[0] ?? [])
    load.start()
    const victims: string[] = []
    for (let kill = 0; kill < options.kills; kill += 1) {
      if (kill % KILLS_PER_HAND === 0) load.sendTo(hands[kill / KILLS_PER_HAND] ?? [])
      await nextMoment(ledger, dice)
      const victim = dice.pick(functions)
      victims.push(victim)
      await stage.cloud.killWorkers(victim === 'all' ? undefined : `heliograph-local-${victim}`)
      if (kill % 10 === 9) options.say(`${kill + 1} kills, ${ledger.accepted} accepted`)
    }
    await load.stop()
    const settled = await settle(ledger, fleet.devices, 120_000)
    await closeFleet(fleet)
    return {
      scenario: `kills: ${options.kills} under load, ${options.devices} devices, seed ${options.seed}`,
      figures: {
        killed: tally(victims),
        sent: ledger.answers.length,
        ...answerFigures(ledger.answers),
        arrived: ledger.arrivals,
        repeats: ledger.repeats,
        outcomes: tally(outcomes.totals),
        ...settled.figures,
      },
      violations: [
        ...judgeAnswers(ledger.answers, {
          // the edge's own answer to a function that died or is only starting, on AWS too
          tolerated: (malformed) => malformed.includes('{"message":'),
          limitMs: Number.POSITIVE_INFINITY,
          wasQueued: (id) => injector.queued.has(id),
        }),
        ...lossesOf(ledger, settled, outcomes),
      ],
    }
  } finally {
    provider.close()
    await stage.close()
  }
}
