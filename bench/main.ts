import { parseArgs } from 'node:util'
import { benchE2e, type Row } from './e2e.ts'

const usage = `npm run bench -- e2e [--devices 500] [--in-flight 32] [--sends 4000] [--port-base 42400]`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      devices: { type: 'string', default: '500' },
      'in-flight': { type: 'string', default: '32' },
      sends: { type: 'string', default: '4000' },
      'port-base': { type: 'string', default: '42400' },
    },
  })
  if (positionals[0] !== 'e2e') throw new Error(usage)
  const options = {
    devices: Number(values.devices),
    inFlight: Number(values['in-flight']),
    sends: Number(values.sends),
    portBase: Number(values['port-base']),
  }
  print(await benchE2e(options, (line) => console.error(line)))
}

function print(rows: readonly Row[]): void {
  for (const { what, figures } of rows) {
    const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
    console.log(`${what.padEnd(50)} ${text.join(', ')}`)
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
