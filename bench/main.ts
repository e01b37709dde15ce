import { parseArgs } from 'node:util'
import { benchCold } from './cold.ts'
import { benchCost } from './cost.ts'
import { benchE2e } from './e2e.ts'
import { benchHot } from './hot.ts'
import { benchPeers } from './peers.ts'
import { report } from './report.ts'
import { benchScale } from './scale.ts'

const usage = `npm run bench -- e2e [--devices 500] [--in-flight 32] [--sends 4000] [--rounds 5]`

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
      'port-base': { type: 'string', default: '42400' },
    },
  })
  const options = {
    devices: Number(values.devices),
    inFlight: Number(values['in-flight']),
    sends: Number(values.sends),
    rounds: Number(values.rounds),
    portBase: Number(values['port-base']),
  }
  switch (positionals[0]) {
    case 'e2e':
      return report('e2e', await benchE2e(options, say))
    case 'peers':
      return report('peers', await benchPeers(options, say))
    case 'hot':
      return report('hot', await benchHot({ rounds: options.rounds, notifications: 6_000 }, say))
    case 'cold':
      return report('cold', await benchCold(15, say))
    case 'scale':
      return report('scale', await benchScale({ rounds: options.rounds, ...scale }, say))
    case 'cost':
      return report('cost', await benchCost(say))
    default:
      throw new Error(usage)
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
