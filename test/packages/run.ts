import { execFileSync, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const usage = `npm run test:packages -- [--node FILE]

  --node FILE  the Node that installs and runs the packages (default: this one)

Packs the packages for others, installs each into an empty folder, and uses it there.`

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Why nothing can be installed; undefined where npm has a registry. */
function registryFault(): string | undefined {
  try {
    const once = ['--prefer-online', '--fetch-retries=0', '--fetch-timeout=15000']
    execFileSync('npm', ['view', 'mqtt', 'version', ...once], { stdio: 'ignore', cwd: root })
    return undefined
  } catch {
    return 'npm reaches no registry here'
  }
}

function main(node: string | undefined): void {
  const fault = registryFault()
  if (fault) {
    console.log(`SKIPPED: npm run test:packages, as ${fault}`)
    return
  }
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', '--config', 'test/packages/vitest.config.ts']
  const env = { ...process.env, ...(node && { HELIOGRAPH_NODE: resolve(node) }) }
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

try {
  const { values } = parseArgs({
    options: { node: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) console.log(usage)
  else main(values.node)
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`)
  process.exitCode = 2
}
