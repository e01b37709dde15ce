import { join } from 'node:path'
import { runSuite } from '../../tools/emulators/suite.ts'
import { installTools, NoTools } from './tools.ts'

/** `npm run test:runtime`: every function's bundle under AWS's own runtime client. */
async function main(): Promise<number> {
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  const tools = await installTools((line) => console.log(`  ${line}`))
  const passed = await runSuite({
    config: join('test', 'runtime', 'vitest.config.ts'),
    leftOut: {},
    files: process.argv.slice(2),
    environment: { HELIOGRAPH_RUNTIME_TOOLS: JSON.stringify(tools) },
    abort: ending.signal,
  })
  return passed ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof NoTools)) throw error
  console.log(`SKIPPED: npm run test:runtime, as ${error.message}`)
}
