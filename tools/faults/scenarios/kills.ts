import type { Random } from '../../simulate/random.ts'
import { pause } from '../device.ts'
import type { Ledger } from '../ledger.ts'
import { answerFigures, judgeAnswers, lossesOf, type Report, tally } from '../report.ts'
import { type Aftermath, underLoad } from '../under-load.ts'

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

/** Ends execution environments in the middle of their work, again and again, under load. */
export async function killedWorkers(options: KillsOptions): Promise<Report> {
  const { seed, devices, kills, say } = options
  const hands = Math.ceil(kills / KILLS_PER_HAND)
  const load = { inFlight: 8, restMs: 60, stayMs: 5_000 }
  const aftermath = await underLoad(
    { seed, devices, hands, load, maxEnvironments: 8 },
    async (world) => {
      for (let kill = 0; kill < kills; kill += 1) {
        world.load.sendTo(world.hands[Math.floor(kill / KILLS_PER_HAND)] ?? [])
        await nextMoment(world.ledger, world.dice)
        const victim = world.dice.pick(functions)
        const name = victim === 'all' ? undefined : `heliograph-local-${victim}`
        await world.stage.cloud.killWorkers(name)
        if (kill % 10 === 9) say(`${kill + 1} kills, ${world.ledger.accepted} accepted`)
      }
    },
  )
  return report(`kills: ${kills} under load, ${devices} devices, seed ${seed}`, aftermath)
}

/** After some more answers, or after ten seconds without: a slow machine must not see more kills than work. */
async function nextMoment(ledger: Ledger, dice: Random): Promise<void> {
  const goal = ledger.answers.length + dice.between(5, 40)
  await pause(10_000, () => ledger.answers.length >= goal)
  await pause(dice.between(0, 200))
}

function report(scenario: string, { injector, outcomes, ledger, settled }: Aftermath): Report {
  const { answers } = ledger
  return {
    scenario,
    figures: {
      'invocations that died': tally(outcomes.deaths),
      sent: answers.length,
      ...answerFigures(answers),
      arrived: ledger.arrivals,
      repeats: ledger.repeats,
      outcomes: tally(outcomes.totals),
      ...settled.figures,
    },
    violations: [
      ...judgeAnswers(answers, {
        // the edge's own answer to a function that died or is only starting, on AWS too
        tolerated: (malformed) => malformed.includes('{"message":'),
        limitMs: Number.POSITIVE_INFINITY,
        wasQueued: (id) => injector.queued.has(id),
      }),
      ...lossesOf(ledger, settled, outcomes),
    ],
  }
}
