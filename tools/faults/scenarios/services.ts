import { pause } from '../device.ts'
import {
  type Affliction,
  ANNOUNCEMENTS,
  afflictions,
  OUTCOMES,
  RECEIPTS,
  type Rule,
  type ServiceName,
  services,
} from '../injector.ts'
import {
  answerFigures,
  judgeAnswers,
  lossesOf,
  type Report,
  tally,
  withoutOutcome,
} from '../report.ts'
import { type Aftermath, underLoad, type World } from '../under-load.ts'

export interface ServicesOptions {
  readonly seed: number
  readonly devices: number
  /** How long each phase lasts. */
  readonly phaseMs: number
  /** Only the phases whose name has this in it. */
  readonly phase?: string
  say(line: string): void
}

/** Each affliction of each service by itself, then each service out, then all at once, under load. */
export async function faultyServices(options: ServicesOptions): Promise<Report> {
  const { seed, devices, say } = options
  const phases = phasesWith(options.phase)
  const load = { inFlight: 6, restMs: 50, stayMs: 8_000 }
  const aftermath = await underLoad(
    { seed, devices, hands: phases.length, load, maxEnvironments: 12 },
    async (world) => {
      for (const [index, phase] of phases.entries()) {
        say(phase.name)
        world.load.sendTo(world.hands[index] ?? [])
        await run(phase, world, options.phaseMs)
      }
    },
  )
  return report(`services: ${devices} devices, seed ${seed}`, aftermath)
}

interface Phase {
  readonly name: string
  readonly rules: readonly Rule[]
  /** Ends execution environments now and then: only new ones ask KMS. */
  readonly renewEnvironments: boolean
}

function phasesWith(wanted = ''): Phase[] {
  const single = services.flatMap((service) =>
    afflictions.map((affliction) => phaseOf(`${service} ${affliction}`, service, affliction)),
  )
  const outages = services.map((service) => phaseOf(`${service} out`, service, 'fail', 1))
  const mixed = single.flatMap(({ rules }) => rules.map((rule) => ({ ...rule, share: 0.05 })))
  const all = { name: 'all together', rules: mixed, renewEnvironments: true }
  return [...single, ...outages, ...afterwards, all].filter(({ name }) => name.includes(wanted))
}

/** What keeps receipts, what tells subscribers, and both: no notification may be lost, or wait for it. */
const keeping = [
  { service: 'sqs', share: 1, of: OUTCOMES },
  { service: 'dynamodb', share: 1, of: RECEIPTS },
] as const
const telling = [
  { service: 'sqs', share: 1, of: ANNOUNCEMENTS },
  { service: 'sns', share: 1 },
] as const
const afterwards: readonly Phase[] = (['fail', 'slow'] as const).flatMap((affliction) =>
  Object.entries({
    receipts: keeping,
    events: telling,
    'receipts and events': [...keeping, ...telling],
  }).map(([name, calls]) => ({
    name: `${name} ${affliction}`,
    rules: calls.map((call) => ({ ...call, affliction })),
    renewEnvironments: false,
  })),
)

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
  sns: 0.3,
  kms: 0.7,
  iotdata: 0.3,
}

async function run(
  { rules, renewEnvironments }: Phase,
  { stage, injector }: World,
  phaseMs: number,
): Promise<void> {
  injector.apply(rules)
  const end = Date.now() + phaseMs
  while (Date.now() < end) {
    if (renewEnvironments) await stage.cloud.killWorkers('heliograph-local-connect')
    await pause(Math.min(2_000, Math.max(0, end - Date.now())))
  }
}

function report(scenario: string, { injector, outcomes, ledger, settled }: Aftermath): Report {
  const { answers } = ledger
  return {
    scenario,
    figures: {
      calls: injector.calls,
      faults: [...injector.counts].map(([name, count]) => `${name} ${count}`).join(', '),
      sent: answers.length,
      ...answerFigures(answers),
      arrived: ledger.arrivals,
      repeats: ledger.repeats,
      outcomes: tally(outcomes.totals),
      'function time-outs': tally(outcomes.timeouts) || 'none',
      'without an outcome': withoutOutcome(ledger, outcomes),
      ...settled.figures,
    },
    violations: [
      ...judgeAnswers(answers, { wasQueued: (id) => injector.queued.has(id) }),
      ...lossesOf(ledger, settled, outcomes),
    ],
  }
}
