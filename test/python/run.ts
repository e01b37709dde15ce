/**
 * Builds the wheel of clients/python, installs it in an empty environment, runs the programs of its
 * README and its example against `heliograph serve`, and puts it under its own tests and the device
 * conformance suite.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { isServed, start } from '../sdk/program.ts'
import { installWheel, pythonProject, wheelHindrance } from '../sdk/python-wheel.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const programs = join(root, 'test/python')

/** Of the form with threads, what the two forms do not have in common. */
const callbackCases =
  'A1,A2,C3,C11,C12,R1,R2,R4,R12,N2,N3,N4,N6,N7,N16,N17,N22,J2,J4,J8,J11,J20,W2,L1,L6'

async function runPrograms(python: string, folder: string): Promise<void> {
  const service = await LiveService.start()
  try {
    const { local } = service
    const { url, code, ca } = local.activation
    const place = { cwd: folder, env: { ...process.env, SSL_CERT_FILE: ca } }
    for (const block of ['0', '1']) {
      const args = [join(programs, 'readme.py'), block, url, code, join(folder, `readme${block}`)]
      await isServed(service, start(python, args, place))
      console.log(`program ${Number(block) + 1} of the README: activated, registered, notified`)
    }
    const kiosk = [join(pythonProject, 'examples/kiosk.py'), service.topic, join(folder, 'kiosk')]
    await isServed(service, start(python, [...kiosk, service.file], place))
    console.log('examples/kiosk.py: activated, registered, notified')
  } finally {
    await service.close()
  }
}

/** How calls, threads and the program's own code end, which no server can see; returns whether all passed. */
function endsWell(python: string): boolean {
  console.log('clients/python/tests')
  const suite = ['-m', 'unittest', 'discover', '-s', join(pythonProject, 'tests')]
  return spawnSync(python, suite, { stdio: 'inherit' }).status === 0
}

/** The suite over the installed wheel; returns whether all passed. */
function conforms(python: string, form: string, args: readonly string[]): boolean {
  const driver = join(pythonProject, 'conformance/driver.py')
  const command = `exec "${python}" "${driver}" ${form}`
  const suite = ['tools/device-conformance/main.ts', '--command', command, ...args]
  const options = { cwd: root, stdio: 'inherit' } as const
  console.log(`the rules for devices, ${form} form`)
  const tsx = join(root, 'node_modules/.bin/tsx')
  return spawnSync(tsx, ['--conditions=heliograph', ...suite], options).status === 0
}

const folder = mkdtempSync(join(tmpdir(), 'heliograph-python-'))
try {
  const skipped = wheelHindrance(folder)
  if (skipped) console.log(`SKIPPED: npm run test:python, as ${skipped}`)
  else {
    const own = installWheel(folder)
    await runPrograms(own, folder)
    const args = process.argv.slice(2)
    const all = [
      endsWell(own),
      conforms(own, 'asyncio', args),
      conforms(own, 'callback', [...args, '--only', callbackCases]),
    ]
    if (all.includes(false)) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
