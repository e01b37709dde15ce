import { random } from '../../simulation/random.ts'
import { pause } from '../device.ts'
import { settle } from '../drain.ts'
import { closeFleet, deal, makeFleet } from '../fleet.ts'
import {
  type Affliction,
  afflictions,
  Injector,
  type Rule,
  type ServiceName,
  services,
} from '../injector.ts'
import { Ledger } from '../ledger.ts'
import { Load } from '../load.ts'
import { OutcomeLog } from '../outcomes.ts'
import { FaultProvider } from '../provider.ts'
import {
  answerFigures,
  judgeAnswers,
  lossesOf,
  type Report,
  tally,
  withoutOutcome,
} from '../report.ts'
import { type Stage, startStage } from '../stage.ts'

export interface ServicesOptions {
  readonly seed: number
  readonly devices: number
  /** How long each affliction of each service lasts. */
  readonly phaseMs: number
  /** Only the phases whose name has this in it. */
  readonly phase?: string
  say(line: string): void
}

/** Each affliction of each service by itself, then each service out, then all at once, under load. */
export async function faultyServices(options: ServicesOptions): Promise<Report> {
  const dice = random(options.seed)
  const injector = new Injector(dice)
  const outcomes = new OutcomeLog()
  const stage = await startStage({
    beforeService: injector.beforeService,
    log: outcomes.log,
    hasten: true,
    tuning: { maxEnvironments: 12 },
  })
  const ledger = new Ledger()
  const provider = new FaultProvider(stage.local)
  try {
    const fleet = await makeFleet({ ...options, local: stage.local, ledger, topics: 9 })
    const load = new Load({
      ...{ devices: fleet.devices, ledger, provider, random: dice },
      ...{ inFlight: 6, restMs: 50, stayMs: 8_000 },
    })
    const chosen = phases(options.phase)
    const hands = deal(fleet.lanes, chosen.length)
    load.sendTo(hands[0] ?? [])
    load.start()
    for (const [index, phase] of chosen.entries()) {
      load.sendTo(hands[index] ?? [])
      await run(phase, stage, injector, options)
    }
    injector.apply([])
    await load.stop()
    const settled = await settle(ledger, fleet.devices, 90_000)
    await closeFleet(fleet)
    const answers = ledger.answers
    return {
      scenario: `services: ${options.devices} devices, seed ${options.seed}`,
      figures: {
        calls: injector.calls,
        faults: [...injector.counts].map(([name, count]) => `${name} ${count}`).join(', '),
        sent: answers.length,
        ...answerFigures(answers),
        arrived: ledger.arrivals,
        repeats: ledger.repeats,
        outcomes: tally(outcomes.totals),
        'function time-outs': tally(outcomes.timeouts),
        'without an outcome': withoutOutcome(ledger, outcomes),
        ...settled.figures,
      },
      violations: [
        ...judgeAnswers(answers, { wasQueued: (id) => injector.queued.has(id) }),
        ...lossesOf(ledger, settled, outcomes),
      ],
    }
  } finally {
    provider.close()
    await stage.close()
  }
}

interface Phase {
  readonly name: string
  readonly rules: readonly Rule[]
  /** Ends all execution environments now and then: only new ones ask KMS. */
  readonly renewEnvironments: boolean
}

function phases(wanted = ''): Phase[] {
  const single = services.flatMap((service) =>
    afflictions.map((affliction) => phaseOf(`${service} ${affliction}`, service, affliction)),
  )
  const outages = services.map((service) => phaseOf(`${service} out`, service, 'fail', 1))
  const mixed = single.flatMap(({ rules }) => rules.map((rule) => ({ ...rule, share: 0.05 })))
  const all = { name: 'all together', rules: mixed, renewEnvironments: true }
  return [...single, ...outages, all].filter(({ name }) => name.includes(wanted))
}

function phaseOf(
  name: string,
  service: ServiceName,
  affliction: Affliction,
  share = shares[service],
): Phase {
  return { name, rules: [{ service, affliction, share }], renewEnvironments: service === 'kms' }
}

/** KMS is asked once per execution environment, the others all the time. */
const shares: Readonly<Record<ServiceName, number>> = {
  dynamodb: 0.3,
  sqs: 0.3,
  kms: 0.7,
  iotdata: 0.3,
}

async function run(
  { name, rules, renewEnvironments }: Phase,
  { cloud }: Stage,
  injector: Injector,
  { phaseMs, say }: ServicesOptions,
): Promise<void> {
  say(name)
  injector.apply(rules)
  const end = Date.now() + phaseMs
  while (Date.now() < end) {
    if (renewEnvironments) await cloud.killWorkers('heliograph-local-connect')
    await pause(Math.min(2_000, Math.max(0, end - Date.now())))
  }
}
