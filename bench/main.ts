import { parseArgs } from 'node:util'
import { benchCampaign } from './campaign.ts'
import { benchCheck, writeBaseline } from './check.ts'
import { benchCold } from './cold.ts'
import { benchCost } from './cost.ts'
import { benchCrowd } from './crowd.ts'
import { benchE2e, benchMachine } from './e2e.ts'
import { benchHot } from './hot.ts'
import { benchPeers } from './peers.ts'
import { writePerformancePage } from './performance/page.ts'
import { report } from './report.ts'
import { benchScale } from './scale.ts'
import { benchSoak, parseSpan } from './soak.ts'
import { benchTokens } from './tokens.ts'

const usage = `npm run bench -- <what>

  e2e    the embedded cloud end to end: time to the device, throughput, memory, drain
  machine  the same of heliograph serve (--durability delivered, synced or none);
         --connections 10000: memory with so many devices; --soak 30m: half load for so long, and whether memory stays flat
  peers  the same driver against Mosquitto, Nchan, NATS and RabbitMQ, in turn
  hot    processor time per notification in accept and deliver
  cold   size and start of every function
  tokens processor time of a provider token
  campaign  send --tokens-file beside single sends, to devices that are away
  cost   dollars, from counted calls; writes docs/cost.md
  scale  with 1,000 to 100,000 devices registered, and up to 10,000 connected
  page   docs/performance.md and its plots, from the last results
  check  counts and ratios against bench/baseline.json; --write takes them over

  --devices 500  --in-flight 32  --sends 4000  --rounds 5  --tokens 100000  --port-base 12400
  --seconds 3: of a round of peers
  --only mosquitto,nchan: of the peers, those whose name holds one of these`

const scale = { registered: [1_000, 10_000, 100_000], connected: [1_000, 2_000, 5_000, 10_000] }

const say = (line: string) => console.error(line)

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      devices: { type: 'string', default: '500' },
      'in-flight': { type: 'string', default: '32' },
      sends: { type: 'string', default: '4000' },
      rounds: { type: 'string', default: '5' },
      tokens: { type: 'string', default: '100000' },
      'port-base': { type: 'string', default: '12400' },
      durability: { type: 'string', default: 'delivered' },
      connections: { type: 'string' },
      soak: { type: 'string' },
      only: { type: 'string' },
      seconds: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
    },
  })
  const options = {
    devices: Number(values.devices),
    inFlight: Number(values['in-flight']),
    sends: Number(values.sends),
    rounds: Number(values.rounds),
    tokens: Number(values.tokens),
    portBase: Number(values['port-base']),
  }
  switch (positionals[0]) {
    case 'e2e':
      return report('e2e', await benchE2e(options, say))
    case 'machine':
      return machineBench({ ...options, durability: values.durability }, values)
    case 'peers':
      return report(
        'peers',
        await benchPeers(
          {
            ...options,
            durability: values.durability,
            only: values.only?.split(','),
            seconds: Number(values.seconds),
          },
          say,
        ),
      )
    case 'hot':
      return report('hot', await benchHot({ rounds: options.rounds, notifications: 6_000 }, say))
    case 'cold':
      return report('cold', await benchCold(15, say))
    case 'page':
      return console.log(writePerformancePage())
    case 'check':
      return console.log(values.write ? await writeBaseline() : await benchCheck(say))
    case 'scale':
      return report('scale', await benchScale({ rounds: options.rounds, ...scale }, say))
    case 'tokens':
      return report('tokens', await benchTokens(options))
    case 'campaign':
      return report('campaign', await benchCampaign(options, say))
    case 'cost':
      return report('cost', await benchCost(say))
    default:
      throw new Error(usage)
  }
}

async function machineBench(
  options: Parameters<typeof benchMachine>[0],
  { connections, soak }: { readonly connections?: string; readonly soak?: string },
): Promise<void> {
  if (connections !== undefined)
    return report('crowd', await benchCrowd({ ...options, connections: Number(connections) }, say))
  if (soak !== undefined)
    return report('soak', await benchSoak({ ...options, seconds: parseSpan(soak) }, say))
  return report('machine', await benchMachine(options, say))
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
