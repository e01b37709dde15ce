import { random } from '../../simulation/random.ts'
import { pause } from '../device.ts'
import { settle } from '../drain.ts'
import { closeFleet, makeFleet } from '../fleet.ts'
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
    const fleet = await makeFleet({ local: stage.local, ledger, devices: options.devices })
    const load = new Load({
      ...{ fleet, ledger, provider, random: dice },
      ...{ inFlight: 8, restMs: 60, stayMs: 5_000 },
    })
    load.start()
    const victims: string[] = []
    for (let kill = 0; kill < options.kills; kill += 1) {
      await pause(dice.between(200, 1_800))
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
          // the edge's own answer to a function that died, on AWS too
          tolerated: (malformed) => malformed.includes('{"message":"Internal Server Error"}'),
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
